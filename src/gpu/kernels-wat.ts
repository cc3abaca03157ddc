/**
 * The CPU kernels as WebAssembly text: ChaCha keystream, int8 dot product, int8 matrix product with requantization, and
 * the fill, keyed digests and dependent hops of memory pages, all with 128-bit SIMD. `npm run kernels` assembles this text into kernels-wasm.ts; a test keeps the two together.
 */

const words = Array.from({ length: 16 }, (_, i) => i)
const get = (name: string): string => `(local.get $${name})`
const set = (name: string, value: string): string => `(local.set $${name} ${value})`
const times = (count: number, text: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => text(i)).join('\n')

// ---- ChaCha: four blocks at once, one 32-bit word of each per lane ----

const rotateBits = (v: string, bits: number): string =>
  `(v128.or (i32x4.shl ${v} (i32.const ${bits})) (i32x4.shr_u ${v} (i32.const ${32 - bits})))`
// Rotations by whole bytes are one shuffle.
const rotate16 = (v: string): string =>
  `(i8x16.shuffle 2 3 0 1 6 7 4 5 10 11 8 9 14 15 12 13 ${v} ${v})`
const rotate8 = (v: string): string =>
  `(i8x16.shuffle 3 0 1 2 7 4 5 6 11 8 9 10 15 12 13 14 ${v} ${v})`

const addTo = (a: number, b: number): string =>
  set(`x${a}`, `(i32x4.add ${get(`x${a}`)} ${get(`x${b}`)})`)
const mix = (d: number, a: number, rotate: (v: string) => string): string =>
  [
    set(`x${d}`, `(v128.xor ${get(`x${d}`)} ${get(`x${a}`)})`),
    set(`x${d}`, rotate(get(`x${d}`))),
  ].join('\n')

/** RFC 8439 §2.1. */
const quarterRound = (a: number, b: number, c: number, d: number): string =>
  [
    addTo(a, b),
    mix(d, a, rotate16),
    addTo(c, d),
    mix(b, c, (v) => rotateBits(v, 12)),
    addTo(a, b),
    mix(d, a, rotate8),
    addTo(c, d),
    mix(b, c, (v) => rotateBits(v, 7)),
  ].join('\n')

const doubleRound = [
  quarterRound(0, 4, 8, 12),
  quarterRound(1, 5, 9, 13),
  quarterRound(2, 6, 10, 14),
  quarterRound(3, 7, 11, 15),
  quarterRound(0, 5, 10, 15),
  quarterRound(1, 6, 11, 12),
  quarterRound(2, 7, 8, 13),
  quarterRound(3, 4, 9, 14),
].join('\n')

/** "expand 32-byte k", little-endian words. */
const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]

/** Word i of the initial state of four consecutive blocks: constants, key, block counter, nonce. */
function initialWord(i: number): string {
  if (i < 4) return `(i32x4.splat (i32.const ${SIGMA[i]}))`
  if (i < 12) return `(i32x4.splat (i32.load offset=${4 * (i - 4)} ${get('key')}))`
  if (i === 12) return `(i32x4.add (i32x4.splat ${get('counter')}) (v128.const i32x4 0 1 2 3))`
  return `(i32x4.splat ${get(`nonce${i - 13}`)})`
}

/** Turns words 4q..4q+3 (a lane per block) into 16 bytes of each of the four blocks and stores them. */
function storeQuarter(q: number): string {
  const [a, b, c, d] = [0, 1, 2, 3].map((k) => get(`x${4 * q + k}`))
  const low = '0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23'
  const high = '8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31'
  const first = '0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23'
  const second = '8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31'
  const store = (block: number, half: string, left: string, right: string): string =>
    `(v128.store offset=${64 * block + 16 * q} ${get('out')} (i8x16.shuffle ${half} ${get(left)} ${get(right)}))`
  return [
    set('t0', `(i8x16.shuffle ${low} ${a} ${b})`),
    set('t1', `(i8x16.shuffle ${high} ${a} ${b})`),
    set('t2', `(i8x16.shuffle ${low} ${c} ${d})`),
    set('t3', `(i8x16.shuffle ${high} ${c} ${d})`),
    store(0, first, 't0', 't2'),
    store(1, second, 't0', 't2'),
    store(2, first, 't1', 't3'),
    store(3, second, 't1', 't3'),
  ].join('\n')
}

const chacha = `
;; Writes the ChaCha keystream of the key at $key to $out; $blocks (64 B each) is a multiple of 4.
(func (export "chacha") (param $key i32) (param $counter i32) (param $nonce0 i32) (param $nonce1 i32)
  (param $nonce2 i32) (param $out i32) (param $blocks i32) (param $rounds i32)
  (local $end i32) (local $left i32) ${words.map((i) => `(local $x${i} v128)`).join(' ')}
  (local $t0 v128) (local $t1 v128) (local $t2 v128) (local $t3 v128)
  ${set('end', `(i32.add ${get('out')} (i32.shl ${get('blocks')} (i32.const 6)))`)}
  (loop $four
    ${times(16, (i) => set(`x${i}`, initialWord(i)))}
    ${set('left', get('rounds'))}
    (loop $round
      ${doubleRound}
      (br_if $round (i32.gt_s (local.tee $left (i32.sub ${get('left')} (i32.const 2))) (i32.const 0))))
    ${times(16, (i) => set(`x${i}`, `(i32x4.add ${get(`x${i}`)} ${initialWord(i)})`))}
    ${times(4, storeQuarter)}
    ${set('counter', `(i32.add ${get('counter')} (i32.const 4))`)}
    (br_if $four (i32.lt_u (local.tee $out (i32.add ${get('out')} (i32.const 256))) ${get('end')}))))`

// ---- memory pages: a slow fill, and a fast digest under a key ----

const fill = `
;; Writes $blocks (a multiple of 4) blocks of the slow fill to $out: the ChaCha state of key, counter and nonce, to which
;; its own 8-round permutation is added $iterations times.
(func (export "fill") (param $key i32) (param $counter i32) (param $nonce0 i32) (param $nonce1 i32)
  (param $nonce2 i32) (param $out i32) (param $blocks i32) (param $iterations i32)
  (local $end i32) (local $left i32) (local $again i32)
  ${words.map((i) => `(local $x${i} v128) (local $y${i} v128)`).join(' ')}
  (local $t0 v128) (local $t1 v128) (local $t2 v128) (local $t3 v128)
  ${set('end', `(i32.add ${get('out')} (i32.shl ${get('blocks')} (i32.const 6)))`)}
  (loop $four
    ${times(16, (i) => set(`x${i}`, initialWord(i)))}
    ${set('again', get('iterations'))}
    (loop $iteration
      ${times(16, (i) => set(`y${i}`, get(`x${i}`)))}
      ${set('left', '(i32.const 8)')}
      (loop $round
        ${doubleRound}
        (br_if $round (i32.gt_s (local.tee $left (i32.sub ${get('left')} (i32.const 2))) (i32.const 0))))
      ${times(16, (i) => set(`x${i}`, `(i32x4.add ${get(`x${i}`)} ${get(`y${i}`)})`))}
      (br_if $iteration (i32.gt_s (local.tee $again (i32.sub ${get('again')} (i32.const 1))) (i32.const 0))))
    ${times(4, storeQuarter)}
    ${set('counter', `(i32.add ${get('counter')} (i32.const 4))`)}
    (br_if $four (i32.lt_u (local.tee $out (i32.add ${get('out')} (i32.const 256))) ${get('end')}))))`

/**
 * mix(a, v) = rotl13((a + v) · 0x9E3779B1), per lane or for one word. With xor instead of the sum, flipping the highest
 * bit of v could be undone in the next word whatever the key: a fill could be packed.
 */
const mixLanes = (v: string): string =>
  [
    set(
      'a',
      `(i32x4.mul (i32x4.add ${get('a')} ${v}) (v128.const i32x4 ${'0x9E3779B1 '.repeat(4)}))`,
    ),
    set('a', rotateBits(get('a'), 13)),
  ].join('\n')
const mixWord = (a: string, v: string): string =>
  `(i32.rotl (i32.mul (i32.add ${a} ${v}) (i32.const 0x9E3779B1)) (i32.const 13))`
const wordOfA = (i: number): string => `(i32x4.extract_lane ${i} ${get('a')})`
const keyWord = (i: number): string => `(i32.load offset=${4 * i} ${get('key')})`

const digest = `
;; Writes the 8-byte digests of $pages pages of 4096 B, from $in, under the key at $key; $page numbers the first.
(func (export "digest") (param $key i32) (param $in i32) (param $page i32) (param $pages i32) (param $out i32)
  (local $a v128) (local $salt i32) (local $lane i32) (local $d0 i32) (local $d1 i32)
  (loop $next
    ${set('d0', '(i32.const 0)')}
    ${set('d1', '(i32.const 0)')}
    ${set('lane', '(i32.const 0)')}
    (loop $lanes
      ${set('salt', `(i32.mul ${get('lane')} (i32.const 0x85EBCA77))`)}
      ${set('a', `(v128.xor (i32x4.add (v128.load ${get('key')}) (i32x4.splat ${get('salt')})) (i32x4.splat ${get('page')}))`)}
      ${times(4, (k) => mixLanes(`(v128.load offset=${1024 * k} (i32.add ${get('in')} (i32.shl ${get('lane')} (i32.const 4))))`))}
      ${set('d0', `(i32.add ${get('d0')} ${mixWord(mixWord(wordOfA(0), keyWord(4)), wordOfA(1))})`)}
      ${set('d1', `(i32.add ${get('d1')} ${mixWord(mixWord(wordOfA(2), keyWord(5)), wordOfA(3))})`)}
      (br_if $lanes (i32.lt_u (local.tee $lane (i32.add ${get('lane')} (i32.const 1))) (i32.const 64))))
    (i32.store ${get('out')} ${get('d0')})
    (i32.store offset=4 ${get('out')} ${get('d1')})
    ${set('out', `(i32.add ${get('out')} (i32.const 8))`)}
    ${set('in', `(i32.add ${get('in')} (i32.const 4096))`)}
    ${set('page', `(i32.add ${get('page')} (i32.const 1))`)}
    (br_if $next (i32.gt_s (local.tee $pages (i32.sub ${get('pages')} (i32.const 1))) (i32.const 0)))))`

// ---- the locality chain: dependent hops over the fill (locality-proof.ts) ----

/** Each lane of the state takes in its own words of the block, then its neighbour. */
const rotateLanes = `(i8x16.shuffle 4 5 6 7 8 9 10 11 12 13 14 15 0 1 2 3 ${get('a')} ${get('a')})`
const highProduct = (a: string, b: string): string =>
  `(i32.wrap_i64 (i64.shr_u (i64.mul (i64.extend_i32_u ${a}) (i64.extend_i32_u ${b})) (i64.const 32)))`

const hops = `
;; Makes $count hops over $pages pages at $base; the 16-byte state at $state is read and written, the key follows it.
(func (export "hops") (param $state i32) (param $base i32) (param $pages i32) (param $count i32)
  (local $a v128) (local $k v128) (local $at i32)
  ${set('a', `(v128.load ${get('state')})`)}
  ${set('k', `(v128.load offset=16 ${get('state')})`)}
  (loop $next
    ${set(
      'at',
      `(i32.add ${get('base')} (i32.add
        (i32.shl ${highProduct(wordOfA(0), get('pages'))} (i32.const 12))
        (i32.shl (i32.and ${wordOfA(1)} (i32.const 63)) (i32.const 6))))`,
    )}
    ${set('a', `(i32x4.add ${get('a')} ${get('k')})`)}
    ${times(4, (r) => mixLanes(`(v128.load offset=${16 * r} ${get('at')})`))}
    ${mixLanes(rotateLanes)}
    (br_if $next (i32.gt_s (local.tee $count (i32.sub ${get('count')} (i32.const 1))) (i32.const 0))))
  (v128.store ${get('state')} ${get('a')}))`

/** Word i of the initial state of four blocks anywhere in the fill: their numbers are in $low and $high. */
const scatteredWord = (i: number): string =>
  i === 12
    ? get('low')
    : i === 13
      ? `(i32x4.splat ${get('domain')})`
      : i === 14
        ? '(v128.const i32x4 0 0 0 0)'
        : i === 15
          ? get('high')
          : initialWord(i)

const lane = (i: number, v: string): string => `(i32x4.extract_lane ${i} ${get(v)})`
/** Mixes v into word c of the four states, for hops4. */
const mixState = (c: number, v: string): string =>
  [
    set(
      `s${c}`,
      `(i32x4.mul (i32x4.add ${get(`s${c}`)} ${v}) (v128.const i32x4 ${'0x9E3779B1 '.repeat(4)}))`,
    ),
    set(`s${c}`, rotateBits(get(`s${c}`), 13)),
  ].join('\n')

const hops4 = `
;; Makes $count hops of four chains at once without any fill: each block is computed. At $states lie words 0 to 3 of the
;; states, each for all four chains; the hops' key follows at 64. The fill's key is at $key.
(func (export "hops4") (param $key i32) (param $states i32) (param $domain i32) (param $pages i32) (param $count i32)
  (param $iterations i32)
  (local $left i32) (local $again i32) (local $low v128) (local $high v128) (local $page v128) (local $old v128)
  ${times(4, (c) => `(local $s${c} v128)`)}
  ${words.map((i) => `(local $x${i} v128) (local $y${i} v128)`).join(' ')}
  ${times(4, (c) => set(`s${c}`, `(v128.load offset=${16 * c} ${get('states')})`))}
  (loop $next
    ${times(4, (i) => set('page', `(i32x4.replace_lane ${i} ${get('page')} ${highProduct(lane(i, 's0'), get('pages'))})`))}
    ${set('low', `(v128.or (i32x4.shl ${get('page')} (i32.const 6)) (v128.and ${get('s1')} (v128.const i32x4 63 63 63 63)))`)}
    ${set('high', `(i32x4.shr_u ${get('page')} (i32.const 26))`)}
    ${times(16, (i) => set(`x${i}`, scatteredWord(i)))}
    ${set('again', get('iterations'))}
    (loop $iteration
      ${times(16, (i) => set(`y${i}`, get(`x${i}`)))}
      ${set('left', '(i32.const 8)')}
      (loop $round
        ${doubleRound}
        (br_if $round (i32.gt_s (local.tee $left (i32.sub ${get('left')} (i32.const 2))) (i32.const 0))))
      ${times(16, (i) => set(`x${i}`, `(i32x4.add ${get(`x${i}`)} ${get(`y${i}`)})`))}
      (br_if $iteration (i32.gt_s (local.tee $again (i32.sub ${get('again')} (i32.const 1))) (i32.const 0))))
    ${times(4, (c) => set(`s${c}`, `(i32x4.add ${get(`s${c}`)} (v128.load32_splat offset=${64 + 4 * c} ${get('states')}))`))}
    ${times(4, (r) => times(4, (c) => mixState(c, get(`x${4 * r + c}`))))}
    ${set('old', get('s0'))}
    ${times(4, (c) => mixState(c, get(c === 3 ? 'old' : `s${c + 1}`)))}
    (br_if $next (i32.gt_s (local.tee $count (i32.sub ${get('count')} (i32.const 1))) (i32.const 0))))
  ${times(4, (c) => `(v128.store offset=${16 * c} ${get('states')} ${get(`s${c}`)})`)})`

// ---- int8 products with exact int32 sums ----

const lowHalf = (v: string): string => `(i16x8.extend_low_i8x16_s ${v})`
const highHalf = (v: string): string => `(i16x8.extend_high_i8x16_s ${v})`
const sumLanes = (v: string): string => `(i32.add
  (i32.add (i32x4.extract_lane 0 ${v}) (i32x4.extract_lane 1 ${v}))
  (i32.add (i32x4.extract_lane 2 ${v}) (i32x4.extract_lane 3 ${v})))`
const advance = (name: string): string => set(name, `(i32.add ${get(name)} (i32.const 16))`)

const dot = `
;; The dot product of two int8 vectors; $n is a multiple of 16.
(func (export "dot") (param $a i32) (param $b i32) (param $n i32) (result i32)
  (local $sum v128) (local $end i32) (local $va v128) (local $vb v128)
  ${set('end', `(i32.add ${get('a')} ${get('n')})`)}
  (loop $next
    ${set('va', `(v128.load ${get('a')})`)}
    ${set('vb', `(v128.load ${get('b')})`)}
    ${set('sum', `(i32x4.add ${get('sum')} (i32x4.dot_i16x8_s ${lowHalf(get('va'))} ${lowHalf(get('vb'))}))`)}
    ${set('sum', `(i32x4.add ${get('sum')} (i32x4.dot_i16x8_s ${highHalf(get('va'))} ${highHalf(get('vb'))}))`)}
    ${advance('a')}
    ${advance('b')}
    (br_if $next (i32.lt_u ${get('a')} ${get('end')})))
  ${sumLanes(get('sum'))})`

/** Adds 16 products of row a with row b+q to the sum of column q. */
const accumulate = (q: number): string =>
  [
    set('v', `(v128.load (i32.add ${get('b')} (i32.mul ${get('n')} (i32.const ${q}))))`),
    set(
      `sum${q}`,
      `(i32x4.add ${get(`sum${q}`)} (i32x4.add
        (i32x4.dot_i16x8_s ${get('low')} ${lowHalf(get('v'))})
        (i32x4.dot_i16x8_s ${get('high')} ${highHalf(get('v'))})))`,
    ),
  ].join('\n')

/** The mixing function of gemm-proof.ts (requantize), keeping the top byte. */
const storeRequantized = (q: number): string =>
  [
    set('u', `(i32.mul ${sumLanes(get(`sum${q}`))} (i32.const 0x9E3779B1))`),
    set(
      'u',
      `(i32.mul (i32.xor ${get('u')} (i32.shr_u ${get('u')} (i32.const 15))) (i32.const 0x85EBCA77))`,
    ),
    `(i32.store8 offset=${q}
      (i32.add ${get('out')} (i32.add (i32.mul ${get('row')} ${get('n')}) ${get('column')}))
      (i32.shr_u ${get('u')} (i32.const 24)))`,
  ].join('\n')

const gemm = `
;; out[j][i] = requantize(c[j] · x[i]) for $rows rows j and n columns i, four columns at a time.
(func (export "gemm") (param $c i32) (param $x i32) (param $out i32) (param $n i32) (param $rows i32)
  (local $row i32) (local $column i32) (local $k i32) (local $a i32) (local $b i32) (local $u i32)
  ${times(4, (q) => `(local $sum${q} v128)`)} (local $low v128) (local $high v128) (local $v v128)
  (loop $rowLoop
    ${set('column', '(i32.const 0)')}
    (loop $columnLoop
      ${set('a', `(i32.add ${get('c')} (i32.mul ${get('row')} ${get('n')}))`)}
      ${set('b', `(i32.add ${get('x')} (i32.mul ${get('column')} ${get('n')}))`)}
      ${times(4, (q) => set(`sum${q}`, '(v128.const i32x4 0 0 0 0)'))}
      ${set('k', '(i32.const 0)')}
      (loop $inner
        ${set('v', `(v128.load ${get('a')})`)}
        ${set('low', lowHalf(get('v')))}
        ${set('high', highHalf(get('v')))}
        ${times(4, accumulate)}
        ${advance('a')}
        ${advance('b')}
        (br_if $inner (i32.lt_u (local.tee $k (i32.add ${get('k')} (i32.const 16))) ${get('n')})))
      ${times(4, storeRequantized)}
      (br_if $columnLoop (i32.lt_u (local.tee $column (i32.add ${get('column')} (i32.const 4))) ${get('n')})))
    (br_if $rowLoop (i32.lt_u (local.tee $row (i32.add ${get('row')} (i32.const 1))) ${get('rows')}))))`

/** The whole module. */
export const KERNELS_WAT = `(module (memory (export "memory") 64 65536)
${chacha}
${dot}
${gemm}
${fill}
${digest}
${hops}
${hops4}
)`
