import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { NodeError } from '../../errors.ts'
import { reasonOf } from '../config.ts'
import type { Terminal } from './command.ts'

/** What the program itself signs starts so (docs/wire.md); no text may pass for it. */
const OWN_DOMAINS = 'compute-node/'

/**
 * The text to sign or verify, byte for byte, from a file or stdin.
 * @throws BAD_CONFIG_TEXT for what is no text, so that no transaction can be passed off as one
 */
export async function signedText(
  file: string | undefined,
  { stdin }: Terminal,
): Promise<Uint8Array> {
  const bytes = file === undefined ? await buffer(stdin as NodeJS.ReadStream) : await read(file)
  const text = textOf(bytes)
  if (text === undefined) throw unfit('this is no text')
  if (text === '') throw unfit('there is no text')
  if (text.startsWith(OWN_DOMAINS)) throw unfit(`a text must not start with ${OWN_DOMAINS}`)
  return bytes
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_TEXT', `cannot read ${file}: ${reasonOf(cause)}`, { cause })
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const unfit = (message: string): NodeError =>
  new NodeError('BAD_CONFIG_TEXT', message, {
    next: 'printf %s "a text" | compute-node wallet sign',
  })
