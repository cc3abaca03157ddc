import type { Multiaddr } from '@multiformats/multiaddr'
import type { NowMs } from '../clock.ts'

/** Requests that all peers behind one IP prefix may make, as a multiple of one peer's. */
const PREFIX_FACTOR = 16
/** Requests that all peers together may make, as a multiple of one peer's. */
const GLOBAL_FACTOR = 1024
/** Buckets remembered per level; beyond it the one unused longest is forgotten. */
const MAX_BUCKETS = 10_000

/** Who asks, as far as quotas care. */
export interface QuotaKey {
  readonly peerId: string
  /** The /32 or /56 it comes from; undefined for this machine itself, where one address is everybody. */
  readonly prefix: string | undefined
}

/** Token buckets per peer, per IP prefix and for all, each refilled evenly and holding one minute's worth. */
export interface Quota {
  /** Takes one request's token; false when one of the three buckets is empty. */
  take(from: QuotaKey): boolean
}

export function createQuota(perPeerPerMinute: number, nowMs: NowMs): Quota {
  const peers = createBuckets(perPeerPerMinute, nowMs)
  const prefixes = createBuckets(perPeerPerMinute * PREFIX_FACTOR, nowMs)
  const all = createBuckets(perPeerPerMinute * GLOBAL_FACTOR, nowMs)
  return {
    take: ({ peerId, prefix }) =>
      peers(peerId) && (prefix === undefined || prefixes(prefix)) && all(''),
  }
}

interface Bucket {
  tokens: number
  atMs: number
}

/** `take(key)` for buckets of `perMinute` tokens. */
function createBuckets(perMinute: number, nowMs: NowMs): (key: string) => boolean {
  const buckets = new Map<string, Bucket>()
  return (key) => {
    const now = nowMs()
    let bucket = buckets.get(key)
    if (bucket === undefined) {
      bucket = { tokens: perMinute, atMs: now }
      if (buckets.size >= MAX_BUCKETS) evict(buckets)
    } else buckets.delete(key) // and insert again: the map stays in order of use
    buckets.set(key, bucket)
    const passedMs = Math.max(0, now - bucket.atMs)
    bucket.tokens = Math.min(perMinute, bucket.tokens + (passedMs * perMinute) / 60_000)
    bucket.atMs = now
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }
}

function evict(buckets: Map<string, Bucket>): void {
  const oldest = buckets.keys().next()
  if (!oldest.done) buckets.delete(oldest.value)
}

/** The IPv4 address or IPv6 /56 of an address (of the relay, for a relayed one); undefined for loopback and memory. */
export function prefixOf(address: Multiaddr): string | undefined {
  for (const { name, value } of address.getComponents()) {
    if (value === undefined) continue
    if (name === 'ip4') return value.startsWith('127.') ? undefined : value
    if (name === 'ip6') return prefix56(value)
  }
  return undefined
}

function prefix56(text: string): string | undefined {
  const groups = expandIp6(text)
  if (groups.slice(0, 7).every((group) => group === 0) && groups[7] === 1) return undefined
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (mapped) return mappedIp4(groups[6]!, groups[7]!)
  const kept = [groups[0]!, groups[1]!, groups[2]!, groups[3]! & 0xff00]
  return `${kept.map((group) => group.toString(16)).join(':')}::/56`
}

function mappedIp4(high: number, low: number): string | undefined {
  const octets = [high >> 8, high & 255, low >> 8, low & 255]
  return octets[0] === 127 ? undefined : octets.join('.')
}

function expandIp6(text: string): number[] {
  const [left = '', right] = text.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const head = groups(left)
  const tail = right === undefined ? [] : groups(right)
  return [...head, ...new Array(Math.max(0, 8 - head.length - tail.length)).fill(0), ...tail]
}
