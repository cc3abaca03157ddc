/**
 * Merkle trees. A tree of L leaves is an array of 2·L hashes in heap order: the root at 1, the children of i at 2i and
 * 2i+1, the leaves from L on. So a level is one span, and the sibling of i is i xor 1.
 */
import { type Kernel, LIST_MAIN } from './kernel.ts'
import { SHA256 } from './sha256.ts'

/** Tag bytes of hash.ts. */
const LEAF_TAG = '0u'
const NODE_TAG = '1u'

const SPAN = `
struct Span { first: u32, count: u32, vectors: u32 }
@group(0) @binding(0) var<uniform> span: Span;`

/** A thread per leaf of `vectors` 16-byte units, a multiple of 4. Bindings: span, data, tree. */
export const leafKernel: Kernel = {
  label: 'leaf',
  code: `${SPAN}
@group(0) @binding(1) var<storage, read> data: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> tree: array<array<vec4<u32>, 2>>;
${SHA256}
${LIST_MAIN}
  if (index >= span.count) { return; }
  var hash = START;
  var before = ${LEAF_TAG};
  for (var at = index * span.vectors; at < (index + 1u) * span.vectors; at += 4u) {
    let a = bigEndian(data[at]);
    let b = bigEndian(data[at + 1u]);
    let c = bigEndian(data[at + 2u]);
    let d = bigEndian(data[at + 3u]);
    hash = compress(hash, shifted(before, a), shifted(a.w, b), shifted(b.w, c), shifted(c.w, d));
    before = d.w;
  }
  tree[span.first + index] = finish(hash, before, span.vectors * 16u);
}`,
}

/** A thread per node of one level, over the two below it. Bindings: span, tree. */
export const nodeKernel: Kernel = {
  label: 'node',
  code: `${SPAN}
@group(0) @binding(1) var<storage, read_write> tree: array<array<vec4<u32>, 2>>;
${SHA256}
${LIST_MAIN}
  if (index >= span.count) { return; }
  let node = span.first + index;
  let a = bigEndian(tree[2u * node][0]);
  let b = bigEndian(tree[2u * node][1]);
  let c = bigEndian(tree[2u * node + 1u][0]);
  let d = bigEndian(tree[2u * node + 1u][1]);
  let hash = compress(START, shifted(${NODE_TAG}, a), shifted(a.w, b), shifted(b.w, c), shifted(c.w, d));
  tree[node] = finish(hash, d.w, 64u);
}`,
}
