/** One compute shader: WGSL text whose entry point is `main`, its bindings numbered from 0 in group 0. */
export interface Kernel {
  /** What errors of the driver call it. */
  readonly label: string
  readonly code: string
}

/** Threads of a workgroup of every kernel whose work is a list. */
export const WORKGROUP = 64

/** Repeats text for 0 … count−1, a line each. */
export const times = (count: number, text: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => text(i)).join('\n')

/** The head of a kernel over a list; `index` is the thread's place in it, whatever the shape of the dispatch. */
export const LIST_MAIN = `
@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.y * groups.x * ${WORKGROUP}u + id.x;`
