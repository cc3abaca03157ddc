import { randomFrom } from '../../test/support/random.ts'

/** Model, GiB, TOPS, GB/s and a price that is near what markets ask. */
const MODELS = [
  ['NVIDIA H100 80GB HBM3', 80, 1979, 3350, 2.4],
  ['NVIDIA A100-SXM4-80GB', 80, 624, 2039, 1.3],
  ['NVIDIA GeForce RTX 4090', 24, 660, 1008, 0.38],
  ['NVIDIA L40S', 48, 733, 864, 0.8],
  ['NVIDIA H200', 141, 1979, 4800, 3.2],
  ['AMD Instinct MI300X', 192, 2614, 5300, 2.6],
  ['NVIDIA RTX A6000', 48, 309, 768, 0.5],
  ['NVIDIA GeForce RTX 3090', 24, 284, 936, 0.2],
] as const
const COUNTS = [1, 1, 1, 2, 4, 8] as const
const COUNTRIES = ['DE', 'FR', 'US', 'SE', 'FI', 'JP', 'NL', 'CA'] as const

interface MadeUpOffer {
  readonly host_id: string
  readonly devices: readonly { readonly id: string }[]
  readonly verified: boolean
}

/** Rows as `GET /v1/offers` answers them, alike in every run; made up, for figures and pictures of a full market. */
export function manyOffers(count: number): readonly MadeUpOffer[] {
  const part = randomFrom(5000)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(part() * list.length)]!
  return Array.from({ length: count }, (_, i) => {
    const [name, gib, tops, bandwidth, price] = pick(MODELS)
    const gpus = pick(COUNTS)
    const isMeasured = part() < 0.85
    const id = (i + 1).toString(16).padStart(64, '5f')
    return {
      id,
      recordId: id,
      host_id: `12D3KooW${String(i).padStart(44, 'x')}`,
      expiresAtMs: Date.now() + 540_000,
      seq: 1,
      devices: Array.from({ length: gpus }, (_, gpu) => ({
        id: `0000:0${gpu}:00.0`,
        vendor: 'nvidia',
        name,
        vramMiB: gib * 1024,
      })),
      gpu_name: name,
      num_gpus: gpus,
      gpu_ram: gib,
      gpu_total_ram: gib * gpus,
      ...(isMeasured
        ? { tops: tops * gpus * (0.8 + part() / 5), gpu_mem_bw: bandwidth * (0.85 + part() / 10) }
        : {}),
      cpu_name: 'AMD EPYC 9354',
      cpu_cores: 8 * gpus,
      cpu_ram: 64 * gpus,
      disk_space: 500 * gpus,
      geolocation: pick(COUNTRIES),
      dph: (price * gpus * (0.7 + part() * 0.8)).toFixed(3),
      asset: 'DEV',
      duration: 24,
      min_duration: 0.1,
      engine: 'docker',
      runtime: 'runc',
      fenced: part() < 0.9,
      disk_quota: true,
      remote: false,
      score: part() * gpus,
      reliability: 0.8 + part() / 5,
      verified: isMeasured,
      rentable: part() < 0.93,
    }
  })
}

const VALIDATORS = ['12D3KooWQmv2', '12D3KooWBd8x', '12D3KooWTr4k'] as const

/** What validators said of a verified miner's first device in its last slots, as `GET /v1/attestations` answers it. */
export function testimonyAbout(offers: readonly MadeUpOffer[], peer: string): readonly object[] {
  const offer = offers.find(({ host_id, verified }) => host_id === peer && verified)
  if (offer === undefined) return []
  return [4812, 4811, 4810].flatMap((slot) =>
    VALIDATORS.map((validator, i) => ({
      slot,
      validator: validator.padEnd(52, 'h'),
      miner: peer,
      gpu: offer.devices[0]!.id,
      verdict: slot === 4812 && i === 2 ? null : 'VALID',
      steps: 1204,
      passes: 551,
      n: 8192,
      bytes: 2 ** 36,
      checkpoints: null,
      nsPerHop: null,
      locality: null,
      proveMs: 727,
      verifyMs: 33 + i,
      transcript: null,
      equivocated: false,
    })),
  )
}
