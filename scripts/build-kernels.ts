// Assembles src/gpu/kernels-wat.ts into src/gpu/kernels-wasm.ts. Run `npm run kernels` after changing the text.
import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import wabt from 'wabt'
import { KERNELS_WAT } from '../src/gpu/kernels-wat.ts'

/** The module's bytes for a WebAssembly text. */
export async function assemble(text: string): Promise<Uint8Array> {
  const module = (await wabt()).parseWat('kernels.wat', text, { simd: true })
  try {
    module.validate()
    return module.toBinary({}).buffer
  } finally {
    module.destroy()
  }
}

if (import.meta.main) {
  const lines =
    Buffer.from(await assemble(KERNELS_WAT))
      .toString('base64')
      .match(/.{1,92}/g) ?? []
  writeFileSync(
    new URL('../src/gpu/kernels-wasm.ts', import.meta.url),
    [
      '// Generated from kernels-wat.ts by `npm run kernels`; a test reassembles it.',
      '/** SHA-256 of the text these bytes were assembled from. */',
      `export const KERNELS_TEXT_HASH = '${hash('sha256', KERNELS_WAT)}'`,
      '/** The assembled module, base64. */',
      'export const KERNELS_BASE64 = [',
      ...lines.map((line) => `  '${line}',`),
      "].join('')",
      '',
    ].join('\n'),
  )
}
