import { type Kernel, WORKGROUP } from './kernel.ts'
import { MIX } from './mix.ts'

/**
 * The 8-byte digest of each 4 KiB page under a key, a workgroup per page: each of 64 lanes mixes four vectors, and the
 * lanes are added up. Bindings: the key, the number of the first page, the pages, their digests.
 */
export const digestKernel: Kernel = {
  label: 'digest',
  code: `
@group(0) @binding(0) var<uniform> key: array<vec4<u32>, 2>;
@group(0) @binding(1) var<uniform> firstPage: u32;
@group(0) @binding(2) var<storage, read> words: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> digests: array<vec2<u32>>;
var<workgroup> sums: array<vec2<u32>, ${WORKGROUP}>;
${MIX}

@compute @workgroup_size(${WORKGROUP})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let page = group.y * groups.x + group.x;
  let inside = page < arrayLength(&digests);
  var a = (key[0] + vec4<u32>(lane * 0x85ebca77u)) ^ vec4<u32>(firstPage + page);
  if (inside) {
    for (var row = 0u; row < 4u; row++) { a = mix4(a, words[page * 256u + row * 64u + lane]); }
  }
  sums[lane] = vec2<u32>(mix(mix(a.x, key[1].x), a.y), mix(mix(a.z, key[1].y), a.w));
  // In two steps of eight: fewer barriers than in halves, and no lane adds up everything.
  workgroupBarrier();
  if (lane < 8u) {
    var sum = sums[lane];
    for (var i = lane + 8u; i < ${WORKGROUP}u; i += 8u) { sum += sums[i]; }
    sums[lane] = sum;
  }
  workgroupBarrier();
  if (lane == 0u && inside) {
    var sum = sums[0];
    for (var i = 1u; i < 8u; i++) { sum += sums[i]; }
    digests[page] = sum;
  }
}`,
}
