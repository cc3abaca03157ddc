/**
 * Merkle trees. A tree of L leaves is an array of 2·L hashes in heap order: the root at 1, the children of i at 2i and
 * 2i+1, the leaves from L on. So a level is one span, and the sibling of i is i xor 1.
 */
import { type Kernel, LIST_MAIN } from './kernel.ts'
import { SHA256 } from './sha256.ts'

/** Tag bytes of hash.ts. */
const [LEAF_TAG, NODE_TAG] = ['0u', '1u']

const SPAN = `
struct Span { first: u32, count: u32, vectors: u32 }
@group(0) @binding(0) var<uniform> span: Span;`

/**
 * A thread hashes 16-byte units of `array` from `at` on, their number a multiple of 4, after a tag byte. One more block
 * has the last byte, the end mark and the length.
 */
const hashInto = (
  node: string,
  array: string,
  at: string,
  vectors: string,
  tag: string,
): string => `
  var hash = START;
  var before = ${tag};
  for (var i = 0u; i <= ${vectors}; i += 4u) {
    var block = array<vec4<u32>, 4>();
    if (i < ${vectors}) {
      let a = bigEndian(${array}[${at} + i]);
      let b = bigEndian(${array}[${at} + i + 1u]);
      let c = bigEndian(${array}[${at} + i + 2u]);
      let d = bigEndian(${array}[${at} + i + 3u]);
      block = array(shifted(before, a), shifted(a.w, b), shifted(b.w, c), shifted(c.w, d));
      before = d.w;
    } else {
      block[0].x = (before << 24u) | 0x800000u;
      block[3].w = (${vectors} * 16u + 1u) * 8u;
    }
    hash = compress(hash, block[0], block[1], block[2], block[3]);
  }
  tree[2u * (${node})] = bigEndian(hash[0]);
  tree[2u * (${node}) + 1u] = bigEndian(hash[1]);`

/** A thread per leaf of `vectors` 16-byte units. Bindings: span, data, tree. */
export const leafKernel: Kernel = {
  label: 'leaf',
  code: `${SPAN}
@group(0) @binding(1) var<storage, read> data: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> tree: array<vec4<u32>>;
${SHA256}
${LIST_MAIN}
  if (index >= span.count) { return; }
${hashInto('span.first + index', 'data', 'index * span.vectors', 'span.vectors', LEAF_TAG)}
}`,
}

/** A thread per node of one level, over the two below it. Bindings: span, tree. */
export const nodeKernel: Kernel = {
  label: 'node',
  code: `${SPAN}
@group(0) @binding(1) var<storage, read_write> tree: array<vec4<u32>>;
${SHA256}
${LIST_MAIN}
  if (index >= span.count) { return; }
  let node = span.first + index;
${hashInto('node', 'tree', '4u * node', '4u', NODE_TAG)}
}`,
}
