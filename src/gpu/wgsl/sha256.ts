/** SHA-256 (FIPS 180-4) as WGSL text, for messages that start with one tag byte (hash.ts). */
import { times } from './kernel.ts'

/** FIPS 180-4 §4.2.2. */
const ROUND_CONSTANTS = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]

/** One of 16 rounds. Instead of moving eight values along, the names move; after 16 they are back. */
function round(i: number): string {
  const [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => 'abcdefgh'[(k - i + 16) % 8])
  return `t = ${h} + big1(${e}) + ((${e} & ${f}) ^ (~${e} & ${g})) + ROUNDS[at + ${i >> 2}u][${i & 3}] + w${i};
${d} += t;
${h} = t + big0(${a}) + ((${a} & ${b}) ^ (${a} & ${c}) ^ (${b} & ${c}));`
}

/** The next 16 words of the message schedule in place of the last ones. */
const SCHEDULE = times(16, (i) => {
  const w = (ahead: number): string => `w${(i + ahead) % 16}`
  return `${w(0)} += small0(${w(1)}) + ${w(9)} + small1(${w(14)});`
})

const rotate = (bits: number): string => `((x << ${32 - bits}u) | (x >> ${bits}u))`

/**
 * The type `Hash` with its start, `compress` of a 64-byte block as big-endian words, and what turns memory into such
 * words: `bigEndian`, and `shifted`, which moves 16 bytes back by one, after the last byte of the word before.
 */
export const SHA256 = `
alias Hash = array<vec4<u32>, 2>;
const START = Hash(
  vec4<u32>(0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au),
  vec4<u32>(0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u),
);
const ROUNDS = array<vec4<u32>, 16>(
${times(16, (i) => `vec4<u32>(${ROUND_CONSTANTS.slice(4 * i, 4 * i + 4).join('u, ')}u),`)}
);

fn small0(x: u32) -> u32 { return ${rotate(7)} ^ ${rotate(18)} ^ (x >> 3u); }
fn small1(x: u32) -> u32 { return ${rotate(17)} ^ ${rotate(19)} ^ (x >> 10u); }
fn big0(x: u32) -> u32 { return ${rotate(2)} ^ ${rotate(13)} ^ ${rotate(22)}; }
fn big1(x: u32) -> u32 { return ${rotate(6)} ^ ${rotate(11)} ^ ${rotate(25)}; }

fn bigEndian(v: vec4<u32>) -> vec4<u32> {
  return (v << vec4<u32>(24u)) | ((v & vec4<u32>(0xff00u)) << vec4<u32>(8u))
    | ((v >> vec4<u32>(8u)) & vec4<u32>(0xff00u)) | (v >> vec4<u32>(24u));
}
fn shifted(before: u32, v: vec4<u32>) -> vec4<u32> {
  return (vec4<u32>(before, v.xyz) << vec4<u32>(24u)) | (v >> vec4<u32>(8u));
}

fn compress(hash: Hash, m0: vec4<u32>, m1: vec4<u32>, m2: vec4<u32>, m3: vec4<u32>) -> Hash {
${times(16, (i) => `var w${i} = m${i >> 2}[${i & 3}];`)}
${times(8, (i) => `var ${'abcdefgh'[i]} = hash[${i >> 2}][${i & 3}];`)}
var t = 0u;
for (var at = 0u; at < 16u; at += 4u) {
if (at > 0u) {
${SCHEDULE}
}
${times(16, round)}
}
return Hash(hash[0] + vec4<u32>(a, b, c, d), hash[1] + vec4<u32>(e, f, g, h));
}`
