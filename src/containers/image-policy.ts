import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { NodeError } from '../errors.ts'
import { CLOSED_RANGES } from './egress-rules.ts'
import { DOCKER_HUB, fullImageName, type ImageName, parseImageName } from './image-name.ts'

/** What a machine's owner lets be pulled. */
export interface ImageRules {
  /** Patterns over registry/repository:tag; empty: everything that is not denied. */
  readonly allow: readonly string[]
  /** Win over `allow`. */
  readonly deny: readonly string[]
  /** Most bytes of an image; undefined: any. */
  readonly maxBytes?: number | undefined
  /**
   * Whether images that are here already may be used without asking their registry, and registries of private
   * networks be asked: only where no stranger rents, for else the owner's own would be for rent. What `allow` names
   * may always.
   */
  readonly trustLocal: boolean
}

export const ANY_IMAGE: ImageRules = { allow: [], deny: [], trustLocal: true }

/**
 * Whether a pattern covers an image: `*` stands for anything but a slash, `**` for anything; without a registry it is
 * of docker.io, without a tag of every tag and digest. `*` alone covers all.
 */
export function coversImage(pattern: string, name: ImageName): boolean {
  if (pattern === '*' || pattern === '**') return true
  const parts = pattern.split('/')
  const first = parts[0] ?? ''
  const named = parts.length > 1 && /[.:*]|^localhost$/.test(first)
  const path = named ? pattern : `${DOCKER_HUB}/${parts.length === 1 ? 'library/' : ''}${pattern}`
  const tagged = /[:@][^/]*$/.test(path)
  const text = fullImageName(name)
  return toRegExp(tagged ? path : `${path}[:@]**`).test(text)
}

const toRegExp = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split(/(\*\*|\*|\[:@\])/)
      .map((part) =>
        part === '**'
          ? '.*'
          : part === '*'
            ? '[^/]*'
            : part === '[:@]'
              ? part
              : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'),
      )
      .join('')}$`,
  )

/** Whether `allow` names it: what nobody named is allowed only while nothing is. */
export const isNamed = ({ allow }: ImageRules, name: ImageName): boolean =>
  allow.some((pattern) => coversImage(pattern, name))

/**
 * Refuses an image by its name alone.
 * @throws REFUSED_IMAGE
 */
export function checkImageName(rules: ImageRules, image: string): ImageName {
  const name = parseImageName(image)
  const denied = rules.deny.some((pattern) => coversImage(pattern, name))
  const named = isNamed(rules, name)
  if (denied || (rules.allow.length > 0 && !named)) {
    throw refused(`this miner's owner does not run ${image}`)
  }
  const host = hostOf(name)
  if (!named && !rules.trustLocal && (host === 'localhost' || isClosed(host))) {
    throw refused(privateRegistry(image))
  }
  return name
}

/**
 * Refuses an image whose registry's name leads into the provider's own network: the engine, which no firewall holds,
 * would knock there for a stranger. A name that cannot be resolved is left to the pull.
 * @throws REFUSED_IMAGE
 */
export async function checkRegistry(
  rules: ImageRules,
  image: string,
  resolve: (host: string) => Promise<readonly { readonly address: string }[]> = resolveAll,
): Promise<void> {
  const name = parseImageName(image)
  if (rules.trustLocal || name.registry === DOCKER_HUB || isNamed(rules, name)) return
  const found = await resolve(hostOf(name)).catch(() => [])
  if (found.some(({ address }) => isClosed(address))) throw refused(privateRegistry(image))
}

const resolveAll = (host: string) => lookup(host, { all: true })

const hostOf = ({ registry }: ImageName): string => registry.replace(/:\d+$/, '').toLowerCase()

const closed = new BlockList()
for (const range of CLOSED_RANGES) {
  const [net = '', bits] = range.split('/')
  closed.addSubnet(net, Number(bits), 'ipv4')
}
for (const [net, bits] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  closed.addSubnet(net, bits, 'ipv6')
}
const isClosed = (address: string): boolean => {
  const family = isIP(address)
  return family !== 0 && closed.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

const refused = (message: string): NodeError =>
  new NodeError('REFUSED_IMAGE', message, {
    next: 'take an offer of another miner, or another image',
  })
const privateRegistry = (image: string): string =>
  `${image} is at a registry of a private network, which its miner's owner did not allow`
