import { z } from 'zod'
import { whole } from '../../api/common.ts'
import type { BenchResult } from '../commands/gpu-bench.ts'

const gpuClass = z.strictObject({
  name: z.string(),
  tops: z
    .strictObject({ cuda: z.number(), webgpu: z.number() })
    .describe('int8, of our kernels; estimates'),
  gbps: z.number().describe('of the data sheet'),
  memoryGiB: z.number(),
})

/** What `gpu bench` measured. */
export const benchSchema: z.ZodType<BenchResult> = z.strictObject({
  machine: z.strictObject({ cpu: z.string(), cores: whole, ramMiB: whole }),
  devices: z.array(
    z.strictObject({
      gpu: z.string(),
      name: z.string(),
      backend: z.enum(['cuda', 'webgpu', 'cpu']),
      vramMiB: whole,
      figures: z
        .strictObject({
          ranOn: z.string().describe('the device as its driver names it, and the kernel'),
          n: whole.describe('size of the matrices'),
          fillBytes: whole.describe('size of the resident fill'),
          usableMiB: whole
            .nullable()
            .describe('memory that its proofs take; null for processors and software'),
          tops: z.number().describe('int8 TOPS of the matrix chain'),
          gbps: z.number().describe('GB/s of passes over the fill'),
          fillGBps: z.number().describe('how fast the fill is made'),
          linkGBps: z
            .number()
            .nullable()
            .describe("GB/s from the machine's memory; null without a link"),
        })
        .nullable()
        .describe('null when it failed'),
      error: z.string().nullable(),
      expected: gpuClass.nullable().describe('what its model should show: estimates'),
    }),
  ),
  disk: z
    .strictObject({
      writeMBps: z.number(),
      readMBps: z.number(),
      isReadCached: z.boolean().describe('reads came through the cache of the file system'),
      bytes: whole.describe('written, and gone again'),
    })
    .nullable()
    .describe('null without room'),
  network: z.strictObject({
    loopbackMBps: z.number().describe('a byte tunnel between two nodes in this process'),
    bootstrapRttMs: z.number().nullable().describe('null where none was reached'),
    downMbps: z.number().nullable().describe('Mbit/s from that peer; null where it did not let'),
    upMbps: z.number().nullable().describe('Mbit/s to that peer; null where it did not let'),
    bootstrap: z.string().describe('who that was, or why nothing was measured'),
    bandwidth: z.string().nullable().describe('why there are no figures of the line'),
  }),
  classes: z.array(gpuClass).describe('to compare with: estimates'),
})
