import { DOMAIN_FILL } from '../resident-fill.ts'
import { ADD_KEPT, EIGHT_ROUNDS, KEEP, startOfBlock, storeBlock } from './chacha.ts'
import { type Kernel, LIST_MAIN } from './kernel.ts'

/**
 * The slow fill, a thread per 64-byte block: the ChaCha state of the block, to which its own permutation is added over
 * and over. The block's number has 64 bits; its high word is the last word of the nonce. Bindings: the piece, its bytes.
 */
export const fillKernel: Kernel = {
  label: 'fill',
  code: `
struct Piece { key: array<vec4<u32>, 2>, firstLow: u32, firstHigh: u32, iterations: u32 }
@group(0) @binding(0) var<uniform> piece: Piece;
@group(0) @binding(1) var<storage, read_write> bytes: array<vec4<u32>>;
${LIST_MAIN}
  if (index >= arrayLength(&bytes) / 4u) { return; }
  let low = piece.firstLow + index;
  let high = piece.firstHigh + select(0u, 1u, low < index);
${startOfBlock('piece.key', 'low', [`${DOMAIN_FILL}u`, '0u', 'high'])}
  for (var i = 0u; i < piece.iterations; i++) {
${KEEP}
${EIGHT_ROUNDS}
${ADD_KEPT}
  }
${storeBlock('bytes', 'index')}
}`,
}
