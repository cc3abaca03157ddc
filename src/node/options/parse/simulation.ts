import { expected, type Parse } from './parse.ts'

/** An amount, or one for a uid: `1000`, `3=1000`. */
export const stakeOf: Parse<string> = (raw) => {
  const [uid, amount, more] = raw.includes('=') ? raw.split('=') : ['0', raw]
  if (amount !== undefined && more === undefined && /^\d{1,5}$/.test(uid!)) {
    if (/^\d{1,12}(\.\d{1,6})?$/.test(amount)) return raw
  }
  throw expected('an amount such as 1000, or UID=ALPHA such as 3=1000', raw)
}

/** One weight of a validator: `0:7=65535`. */
export const weightOf: Parse<{ from: number; to: number; value: number }> = (raw) => {
  const [, from, to, value] = /^(\d{1,5}):(\d{1,5})=(\d{1,5})$/.exec(raw) ?? []
  const [a, b, weight] = [from, to, value].map(Number) as [number, number, number]
  if (value !== undefined && weight <= 65_535) return { from: a, to: b, value: weight }
  throw expected('VALIDATOR:MINER=WEIGHT up to 65535, such as 0:7=65535', raw)
}

/** Validators and the miner they favour: `0+1:7`. */
export const cabalOf: Parse<{ validators: number[]; miner: number }> = (raw) => {
  const [, validators, miner] = /^(\d{1,5}(?:\+\d{1,5})*):(\d{1,5})$/.exec(raw) ?? []
  if (validators === undefined) throw expected('UID+UID:MINER, such as 0+1:7', raw)
  return { validators: validators.split('+').map(Number), miner: Number(miner) }
}
