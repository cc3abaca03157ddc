import { bindingLeaf, bindingRoot } from '../protocols/binding.ts'
import type { Binding } from '../protocols/capability.ts'
import type { Network } from '../protocols/network.ts'

/** The root that a binding's path leads to: its hotkey must commit to it. */
export const bindingRootOf = (net: Network, binding: Binding, peerKey: Uint8Array): Uint8Array =>
  bindingRoot(bindingLeaf(net, { ...binding, peerKey }), binding.index, binding.path)
