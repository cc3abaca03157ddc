import { NodeError } from '../errors.ts'

/** An image reference taken apart, as engines understand it. */
export interface ImageName {
  /** Host and port, e.g. `docker.io`, `127.0.0.1:5000`. */
  readonly registry: string
  /** Path in the registry, e.g. `library/ubuntu`. */
  readonly repository: string
  /** `latest` where neither tag nor digest is given. */
  readonly tag: string | undefined
  readonly digest: string | undefined
}

export const DOCKER_HUB = 'docker.io'
const PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const REGISTRY = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/
const REFERENCE = /^(.+?)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@([a-z0-9]+:[0-9a-f]{32,}))?$/

/** Takes a reference apart by the rules of the engines: `ubuntu` is `docker.io/library/ubuntu:latest`. REFUSED_IMAGE when it is none. */
export function parseImageName(text: string): ImageName {
  const [, path = '', tag, digest] = REFERENCE.exec(text) ?? []
  const parts = path.split('/')
  const first = parts[0] ?? ''
  // Without a dot or a port the first part is a folder of the usual registry.
  const named = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost')
  const registry = named ? first : DOCKER_HUB
  const rest = named ? parts.slice(1) : parts
  const official = registry === DOCKER_HUB && rest.length === 1
  if (
    !REGISTRY.test(registry) ||
    !rest.every((part) => PART.test(part)) ||
    /^[0-9a-f]{64}$/.test(path)
  ) {
    throw new NodeError('REFUSED_IMAGE', `${text} is not the name of an image`, {
      next: 'name it as in: docker pull NAME[:TAG]',
    })
  }
  return {
    registry: registry === 'index.docker.io' ? DOCKER_HUB : registry,
    repository: official ? `library/${rest[0]}` : rest.join('/'),
    tag: tag ?? (digest === undefined ? 'latest' : undefined),
    digest,
  }
}

/**
 * The whole name, which an engine never takes for the id of an image that happens to be there. With a digest the tag
 * means nothing to an engine, and is left out.
 */
export function fullImageName({ registry, repository, tag, digest }: ImageName): string {
  return `${registry}/${repository}${digest === undefined ? `:${tag}` : `@${digest}`}`
}
