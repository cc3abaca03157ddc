import { every } from '../clock.ts'
import type { BindingCommitment } from '../protocols/binding.ts'
import { bindingIn } from '../protocols/binding-sheet.ts'
import type { Binding } from '../protocols/capability.ts'
import type { Network } from '../protocols/network.ts'
import { bindingRootOf } from './binding-root.ts'
import type { Core } from './core.ts'
import { toJson } from './output.ts'
import { readBinding, writeBinding } from './own-binding.ts'
import { keptSheets, nodeSheets } from './sheet-file.ts'

/** What a node tells of its hotkey now, and what takes its place once the hotkey commits to it. */
export interface OwnBindings {
  readonly binding: Binding | undefined
  readonly nextBinding: Binding | undefined
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/**
 * Which of a PeerId's bindings counts: the one that the chain holds, else the one that the node told before. The newest
 * sheet of the same hotkey is the next one, where it is another.
 * @param candidates of the sheets it accepted, newest first
 */
export function chooseBindings(
  net: Network,
  peerKey: Uint8Array,
  told: Binding | undefined,
  candidates: readonly Binding[],
  committed: (hotkey: Uint8Array) => BindingCommitment | undefined,
): OwnBindings {
  const isHeld = (binding: Binding): boolean => {
    const root = committed(binding.hotkey)?.bindingsRoot
    return root !== undefined && same(bindingRootOf(net, binding, peerKey), root)
  }
  const known = told === undefined ? candidates : [told, ...candidates]
  const binding = known.find(isHeld) ?? known[0]
  const [newest] = candidates
  if (binding === undefined || newest === undefined) return { binding, nextBinding: undefined }
  const isNext =
    same(newest.hotkey, binding.hotkey) &&
    !same(bindingRootOf(net, newest, peerKey), bindingRootOf(net, binding, peerKey))
  return { binding, nextBinding: isNext ? newest : undefined }
}

const LOOK_MS = 2000

/**
 * A node's bindings as they stand now: its files are read again now and then, and what the chain was last seen to hold
 * chooses among them, so that neither `chain bind` nor a commitment of its hotkey needs a restart.
 */
export async function followBinding(
  { config, net, key, log }: Pick<Core, 'config' | 'net' | 'key' | 'log'>,
  stack: AsyncDisposableStack,
  committed: (hotkey: Uint8Array) => BindingCommitment | undefined,
): Promise<{ readonly [K in keyof OwnBindings]: () => Binding | undefined }> {
  const life = new AbortController()
  stack.defer(() => life.abort())
  const { dataDir } = config
  let now: OwnBindings = { binding: undefined, nextBinding: undefined }

  async function look(): Promise<void> {
    const told = await readBinding(dataDir)
    const sheets = await keptSheets(nodeSheets(dataDir))
    const candidates = sheets
      .filter(({ netDigest }) => same(netDigest, net.digest))
      .flatMap((sheet) => bindingIn(net, sheet, key.publicKey) ?? [])
    now = chooseBindings(net, key.publicKey, told, candidates, committed)
    if (now.binding !== undefined && toJson(now.binding) !== toJson(told))
      await writeBinding(dataDir, now.binding)
  }

  await look()
  void every(LOOK_MS, { signal: life.signal, log, name: 'read-binding' }, look)
  return { binding: () => now.binding, nextBinding: () => now.nextBinding }
}
