/** Where a Docker Engine is looked for, as people write it. */
export const dockerAddress = (): string =>
  process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock'
