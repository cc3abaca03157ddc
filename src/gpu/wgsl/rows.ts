import { ADD_KEPT, EIGHT_ROUNDS, KEEP, startOfBlock, storeBlock } from './chacha.ts'
import { type Kernel, LIST_MAIN } from './kernel.ts'

/**
 * Pseudo-random matrices: row j is the ChaCha8 stream of nonce (domain, step, j), a thread per 64-byte block. Bindings: the
 * stream, the matrix.
 */
export const rowsKernel: Kernel = {
  label: 'rows',
  code: `
struct Stream { key: array<vec4<u32>, 2>, domain: u32, step: u32, blocksPerRow: u32 }
@group(0) @binding(0) var<uniform> stream: Stream;
@group(0) @binding(1) var<storage, read_write> matrix: array<vec4<u32>>;
${LIST_MAIN}
  if (index >= arrayLength(&matrix) / 4u) { return; }
${startOfBlock('stream.key', 'index % stream.blocksPerRow', ['stream.domain', 'stream.step', 'index / stream.blocksPerRow'])}
${KEEP}
${EIGHT_ROUNDS}
${ADD_KEPT}
${storeBlock('matrix', 'index')}
}`,
}
