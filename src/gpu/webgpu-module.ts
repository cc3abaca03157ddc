import { messageOf, NodeError } from '../errors.ts'

/** The part of the package `webgpu` (Dawn, the browser's implementation, as a Node addon) that is used. */
export type WebgpuModule = Pick<typeof import('webgpu'), 'create'>

/** Loads Dawn, which is optional and not built for every platform; GPU_BACKEND_MISSING when it cannot be. */
export async function loadWebgpu(
  load: () => Promise<WebgpuModule> = () => import('webgpu'),
): Promise<WebgpuModule> {
  try {
    return await load()
  } catch (cause) {
    const [reason] = messageOf(cause).split('\n')
    throw new NodeError('GPU_BACKEND_MISSING', `the package webgpu cannot be loaded: ${reason}`, {
      cause,
      next: 'npm install --include=optional, on Linux, macOS or Windows with x64 or arm64; or prove with another backend',
    })
  }
}
