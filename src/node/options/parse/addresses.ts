import { expected, type Parse } from './parse.ts'

/** 32 bytes in hex, with or without 0x; kept without, in lower case. */
export const hex32: Parse<string> = (raw) => {
  const digits = raw.replace(/^0x/, '').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(digits)) throw expected('64 hex digits', raw)
  return digits
}

/** A multiaddr's outer shape; libp2p judges the rest when it listens or dials. */
export const multiaddr: Parse<string> = (raw) => {
  if (!/^(\/[\w.:%-]+){2,}$/.test(raw))
    throw expected('a multiaddr such as /ip4/0.0.0.0/tcp/4501', raw)
  return raw
}

/** A WebSocket address of a chain node. */
export const webSocketUrl: Parse<string> = (raw) => {
  if (!URL.canParse(raw) || !/^wss?:$/.test(new URL(raw).protocol)) {
    throw expected('an address such as ws://127.0.0.1:9944', raw)
  }
  return raw
}

/** A base address of a web service, kept without the slash at its end. */
export const httpUrl: Parse<string> = (raw) => {
  if (!URL.canParse(raw) || !/^https?:$/.test(new URL(raw).protocol)) {
    throw expected('an address such as https://api.drand.sh', raw)
  }
  return raw.replace(/\/+$/, '')
}
