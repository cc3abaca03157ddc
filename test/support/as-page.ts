import { vi } from 'vitest'

/** Imports modules anew as a page has them: without what Node lends (src/node-builtins.ts). */
export async function asInPage<T>(load: () => Promise<T>): Promise<T> {
  const { getBuiltinModule } = process
  const lends = vi
    .spyOn(process, 'getBuiltinModule')
    .mockImplementation((name: string) =>
      name === 'node:crypto' || name === 'node:buffer' ? undefined : getBuiltinModule(name),
    )
  vi.resetModules()
  try {
    return await load()
  } finally {
    lends.mockRestore()
    vi.resetModules()
  }
}
