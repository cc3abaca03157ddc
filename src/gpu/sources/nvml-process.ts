/**
 * A process of its own in which NVML is called: the library's calls block, hang with a broken driver and may crash, and
 * neither a thread inside a native call nor the node that waits for it could be ended. The parent (nvml.ts) kills it.
 */
import { messageOf } from '../../errors.ts'
import { type NvmlAnswer, readDevices } from './nvml-devices.ts'
import { type Handle, NVML, type NvmlLibrary, openNvml } from './nvml-library.ts'
import { followXids, type Xids } from './nvml-xids.ts'

export type NvmlRequest = { readonly id: number } & (
  | { readonly ask: 'read' }
  | { readonly ask: 'set-power-limit'; readonly uuid: string; readonly milliwatts: number }
)

/** `absent`: this machine has no such library. `code`: what NVML returned when it could not be done. */
export type NvmlReply = { readonly id: number } & (
  | { readonly absent: true }
  | { readonly answer: NvmlAnswer }
  | { readonly code: number }
  | { readonly error: string }
)

/** What was opened and listens; everything is opened afresh after a GPU was lost, or it would never be seen again. */
let session: { readonly nvml: NvmlLibrary; readonly xids: Xids } | undefined

function close(): void {
  session?.xids[Symbol.dispose]()
  session?.nvml.call('nvmlShutdown')
  session = undefined
}

async function answer(request: NvmlRequest): Promise<NvmlReply> {
  const { id } = request
  const nvml = session?.nvml ?? (await openNvml(process.argv.slice(2)))
  if (nvml === undefined) return { id, absent: true }
  if (session === undefined) {
    const code = nvml.call('nvmlInit_v2')
    if (code !== NVML.success) return { id, code }
    session = { nvml, xids: followXids(nvml) }
  }
  if (request.ask === 'set-power-limit') return { id, code: setPowerLimit(nvml, request) }
  const found = readDevices(nvml, session.xids.newest())
  if (found.unnamed.length > 0 || found.devices.some(({ fault }) => fault !== 0)) close()
  return { id, answer: found }
}

function setPowerLimit(
  nvml: NvmlLibrary,
  { uuid, milliwatts }: { readonly uuid: string; readonly milliwatts: number },
): number {
  const handle = Buffer.alloc(8)
  const name = Buffer.from(`${uuid}\0`)
  const code = nvml.call('nvmlDeviceGetHandleByUUID', name, handle)
  if (code !== NVML.success) return code
  const device: Handle = handle.readBigUInt64LE()
  return nvml.call('nvmlDeviceSetPowerManagementLimit', device, milliwatts)
}

process.on('message', async (request: NvmlRequest) => {
  const reply = await answer(request).catch((error: unknown) => ({
    id: request.id,
    error: messageOf(error),
  }))
  process.send?.(reply)
})
process.on('disconnect', () => process.exit(0))
// Ctrl-C, or a service that is stopped, reaches the whole group: the parent decides when this ends.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => undefined)
