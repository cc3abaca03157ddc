import type { Command } from '../command.ts'

/** The GPUs of this machine. */
export const gpuCommands: readonly Command[] = [
  {
    name: 'gpu list',
    isUsual: true,
    usage: '',
    describe: 'List the GPUs of this machine, or its CPU, with what is measured',
    options: ['watch', 'backend', 'devices', 'subgroupMatrix'],
    examples: [
      ['compute-node gpu list --watch', 'temperature, power and load, live'],
      ['compute-node gpu list --watch --json', 'one line per GPU and sample, for other programs'],
    ],
    load: async () => (await import('../gpu-list.ts')).gpuList,
  },
  {
    name: 'gpu bench',
    usage: '[DEVICE]',
    describe: 'Measure what the devices, disk and network of this machine can do, in seconds',
    options: ['backend', 'subgroupMatrix'],
    args: [0, 1],
    examples: [
      ['compute-node gpu bench', 'beside what usual GPUs are expected to show'],
      ['compute-node gpu bench cpu-0 --json', 'one device, as a document'],
    ],
    load: async () => (await import('../gpu-bench.ts')).gpuBench,
  },
  {
    name: 'gpu preflight',
    usage: '',
    describe: 'Check what a miner checks before it announces its devices, each with a short proof',
    options: ['backend', 'devices', 'subgroupMatrix', 'engine', 'listen', 'drand'],
    examples: [['compute-node gpu preflight --network local', 'what a local market asks of them']],
    load: async () => (await import('../gpu-preflight.ts')).gpuPreflight,
  },
  {
    name: 'gpu prove',
    usage: '[DEVICE]',
    describe: 'Prove a device once, without a network, and check that as a validator would',
    options: ['backend', 'subgroupMatrix', 'out'],
    args: [0, 1],
    examples: [
      ['compute-node gpu prove --out proof', 'a transcript for compute-node gpu verify proof'],
    ],
    load: async () => (await import('../gpu-prove.ts')).gpuProve,
  },
  {
    name: 'gpu limits',
    usage: '',
    describe: 'Show how far the running node may use its GPUs; with options, change it for good',
    options: ['maxTemp', 'maxPower', 'maxLoad', 'workHours', 'pauseWhenUsed'],
    examples: [
      ['compute-node gpu limits', 'the limits, and what they do now'],
      ['compute-node gpu limits --max-temp 80 --max-power 300', 'in °C and watts'],
      ['compute-node gpu limits --work-hours "mon-fri 18:00-08:00,sat-sun"', 'in local time'],
      ['compute-node gpu limits --max-temp off --work-hours always', 'takes limits back'],
      ['compute-node gpu limits --pause-when-used', 'the owner comes first'],
    ],
    load: async () => (await import('../gpu-limits.ts')).gpuLimits,
  },
  {
    name: 'gpu verify',
    usage: 'FILE|ID',
    describe: 'Check the proof behind a verdict yourself, from nothing but its transcript',
    options: ['publish'],
    args: [1, 1],
    examples: [
      ['compute-node gpu verify proof.cbor', 'check a file that gpu prove wrote, offline'],
      ['compute-node gpu verify 4be0…', 'fetch the transcript of an attestation and check it'],
      ['compute-node gpu verify 4be0… --publish', 'and tell the network of a fraud that it proves'],
    ],
    load: async () => (await import('../gpu-verify.ts')).gpuVerify,
  },
]
