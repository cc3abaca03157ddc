/** Where a Docker Engine is looked for, as people write it. */
export const dockerAddress = (): string =>
  process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock'

/** Whether it runs on this machine, as far as its address tells. */
export const isDockerLocal = (): boolean => dockerAddress().startsWith('unix://')
