import { type Kernel, times } from './kernel.ts'
import { MIX } from './mix.ts'

/**
 * The locality chain (locality-proof.ts) over some buffers of the fill, by one thread: it ends when no hops are left, or
 * at a page of another buffer. `parts` is how many of the fill's buffers are bound, the first of which is number
 * `firstPart` of all; each but the fill's last has `partPages` pages. Bindings: the chain's constants, the chain, the buffers.
 */
export const hopsKernel = (parts: number): Kernel => ({
  label: `hops over ${parts}`,
  code: `
struct Constants { key: vec4<u32>, pages: u32, partPages: u32 }
struct Chain { state: vec4<u32>, left: u32 }
@group(0) @binding(0) var<uniform> constants: Constants;
@group(0) @binding(1) var<uniform> firstPart: u32;
@group(0) @binding(2) var<storage, read_write> chain: Chain;
${times(parts, (i) => `@group(0) @binding(${3 + i}) var<storage, read> part${i}: array<vec4<u32>>;`)}
${MIX}
/** The high word of a product, by 16-bit halves: WGSL has no 64-bit integers. */
fn highProduct(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let first = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let second = (a & 0xffffu) * (b >> 16u) + (first & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (first >> 16u) + (second >> 16u);
}

@compute @workgroup_size(1)
fn main() {
  var state = chain.state;
  var left = chain.left;
  while (left > 0u) {
    let page = highProduct(state.x, constants.pages);
    let part = page / constants.partPages - firstPart; // a part before the first wraps to a very large number
    let at = ((page % constants.partPages) * 64u + (state.y & 63u)) * 4u;
    var block: array<vec4<u32>, 4>;
    switch part {
      ${times(parts, (i) => `case ${i}u: { ${times(4, (r) => `block[${r}] = part${i}[at + ${r}u];`)} }`)}
      default: { break; }
    }
    if (part >= ${parts}u) { break; }
    var a = state + constants.key;
    ${times(4, (r) => `a = mix4(a, block[${r}]);`)}
    state = mix4(a, a.yzwx);
    left--;
  }
  chain.state = state;
  chain.left = left;
}`,
})
