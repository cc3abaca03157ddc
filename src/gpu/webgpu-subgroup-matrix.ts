/** Tensor cores through WebGPU: an experiment of Dawn's, found here, and refused until a kernel has run on one. */
import { NodeError } from '../errors.ts'
import type { OpenAdapter } from './webgpu-adapters.ts'

/** Without it Dawn hides experiments. */
export const SUBGROUP_MATRIX_FLAG = 'enable-dawn-features=allow_unsafe_apis'

interface MatrixConfig {
  readonly componentType: string
  readonly resultComponentType: string
  readonly M: number
  readonly N: number
  readonly K: number
}

/** The shapes of int8 products with int32 sums that an adapter multiplies at once, e.g. `16×16×32`. */
export const int8Matrices = (configs: readonly MatrixConfig[]): string[] =>
  configs
    .filter(({ componentType, resultComponentType }) => {
      return componentType === 'i8' && resultComponentType === 'i32'
    })
    .map(({ M, N, K }) => `${M}×${N}×${K}`)

/** Why no proof is made with subgroup matrices on this adapter. */
export function subgroupMatrixRefusal({ adapter, name }: Pick<OpenAdapter, 'adapter' | 'name'>) {
  const info = adapter.info as GPUAdapterInfo & { subgroupMatrixConfigs?: readonly MatrixConfig[] }
  const shapes = int8Matrices([...(info.subgroupMatrixConfigs ?? [])])
  const message =
    shapes.length === 0
      ? `${name} has no subgroup matrices of int8`
      : `${name} has subgroup matrices of int8 (${shapes.join(', ')}), which no kernel here uses yet`
  return new NodeError('GPU_UNSUPPORTED', message, {
    next: 'leave the choice of kernel out',
    shapes,
  })
}
