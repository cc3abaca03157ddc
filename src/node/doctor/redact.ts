/** What stands where a secret was. */
const GONE = '[redacted]'

/** Names of fields whose value nobody else should read, whatever it is. */
const SECRET_NAME =
  /secret|private|mnemonic|seed|passw|passphrase|token|credential|auth|cookie|signature|(^|_)key$|^env$|^command$/i

/**
 * What may be shown of a value: fields with secret names are blanked out, of variables the names stay, and texts go through
 * `redactText`. Plain data in, plain data out.
 */
export function redact(value: unknown, name = ''): unknown {
  if (typeof value === 'string')
    return SECRET_NAME.test(name) ? shownOf(name, value) : redactText(value)
  if (Array.isArray(value)) return value.map((item) => redact(item, name))
  if (value instanceof Uint8Array) return GONE
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  const isSecret = SECRET_NAME.test(name)
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isSecret ? GONE : redact(item, key)]),
  )
}

/** `NAME=VALUE` keeps its name. */
const shownOf = (name: string, value: string): string =>
  name === 'env' && value.includes('=') ? `${value.slice(0, value.indexOf('='))}=${GONE}` : GONE

/** A PeerId or an SS58 address: public, and what a support needs to know. */
const PUBLIC = /^(12D3Koo[1-9A-HJ-NP-Za-km-z]{45}|5[1-9A-HJ-NP-Za-km-z]{47})$/

const rules: readonly (readonly [RegExp, string | ((found: string) => string)])[] = [
  [/-----BEGIN [^-]+-----[\s\S]*?(-----END [^-]+-----|$)/g, GONE],
  // Whom a URL lets in may stand before its host, in its path or in its query.
  [/\b(https?|wss?):\/\/(?:[^\s/"'@]*@)?([^\s/"'?#]+)[^\s"']*/g, '$1://$2/'],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, `$1 ${GONE}`],
  [
    /\b([\w-]*(?:secret|passw(?:or)?d|passphrase|token|api_?key|mnemonic|seed|auth)[\w-]*)(["']?\s*[=:]\s*["']?)[^\s"',;}]+/gi,
    `$1$2${GONE}`,
  ],
  // Twelve words or more in a row, as wallets write their seeds.
  [/\b(?:[a-z]{3,8} ){11,}[a-z]{3,8}\b/g, GONE],
  // A seed of a key has 32 bytes, as has an id: what is left tells ids apart.
  [/\b(?:0x)?[0-9a-f]{64,}\b/gi, (found) => `${found.slice(0, 12)}…`],
  [/[A-Za-z0-9_+=-]{32,}/g, (found) => (PUBLIC.test(found) || !isRandom(found) ? found : GONE)],
]

/** Words that people write have no digits between letters of both cases. */
const isRandom = (word: string): boolean =>
  /[0-9]/.test(word) && /[a-z]/.test(word) && /[A-Z]/.test(word)

/** A text without what looks like a secret: keys, tokens, passwords, seeds, and all of a URL but its host. */
export const redactText = (text: string): string =>
  rules.reduce<string>(
    (left, [pattern, shown]) =>
      typeof shown === 'string' ? left.replace(pattern, shown) : left.replace(pattern, shown),
    text,
  )
