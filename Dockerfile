# The node itself as an image; docs/operations.md says how to run it, and what handing it an engine's socket means.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM ${NODE_IMAGE}
# What hosting leases takes besides an engine: the firewall, the toolbox of /.cn, volumes, and the CA certificates.
RUN apt-get update \
  && apt-get install -y --no-install-recommends \
    btrfs-progs busybox-static ca-certificates e2fsprogs iproute2 iptables openssh-sftp-server \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin compute-node \
  && install -d -o compute-node -g compute-node -m 0700 /data
COPY --from=build /app/package.json /app/
COPY --from=build /app/bin /app/bin
COPY --from=build /app/dist /app/dist
COPY --from=build /app/config /app/config
COPY --from=build /app/node_modules /app/node_modules
RUN ln -s /app/bin/compute-node.js /usr/local/bin/compute-node
ENV NODE_ENV=production COMPUTE_NODE_DATA_DIR=/data
USER compute-node
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=3m CMD ["node", "-e", \
  "require('http').get({ socketPath: '/data/control.sock', path: '/readyz' }, (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
ENTRYPOINT ["compute-node"]
CMD ["--help"]
