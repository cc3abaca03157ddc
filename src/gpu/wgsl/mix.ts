/** Mixing a word, or four, into a state: what digests of pages and hops are made of (resident-fill.ts, locality-proof.ts). */
export const MIX = `
fn mix(a: u32, v: u32) -> u32 {
  let product = (a + v) * 0x9e3779b1u;
  return (product << 13u) | (product >> 19u);
}
fn mix4(a: vec4<u32>, v: vec4<u32>) -> vec4<u32> {
  return vec4<u32>(mix(a.x, v.x), mix(a.y, v.y), mix(a.z, v.z), mix(a.w, v.w));
}`
