/** Where a Docker Engine is looked for, as people write it. */
export const dockerAddress = (): string => process.env['DOCKER_HOST'] ?? USUAL_ENGINE

/** Where an engine listens unless it was told otherwise. */
export const USUAL_ENGINE = 'unix:///var/run/docker.sock'

/** An engine that its owner named, instead of the one that is found by itself. */
export interface DockerAddress {
  /** `unix:///path` on this machine, or `tcp://host:port`, which is spoken to over TLS. */
  readonly url: string
  /** Present for `tcp://`. */
  readonly tls?: TlsFiles | undefined
}

/** Absolute paths of PEM files: whom to trust, and who this node is to the engine. */
export interface TlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Whether an engine runs on this machine, as far as its address tells; that of DOCKER_HOST unless one is named. */
export const isDockerLocal = (url = dockerAddress()): boolean => url.startsWith('unix://')
