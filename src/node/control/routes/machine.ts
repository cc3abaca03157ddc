import type { FastifyInstance } from 'fastify'
import { machineRoutes } from '../../../api/machine.ts'
import { sharedWork } from '../../../containers/shared-work.ts'
import type { Core } from '../../core.ts'
import { lookAtAll } from '../../doctor/look-at-all.ts'
import { walletRows } from '../../wallet-rows.ts'
import { addRoute } from '../add-route.ts'

/** `GET`, `POST /v1/doctor` and `GET /v1/wallets`. */
export function machineRoute(
  app: FastifyInstance,
  { core: { config } }: { readonly core: Pick<Core, 'config'> },
): void {
  const life = new AbortController()
  app.addHook('onClose', async () => life.abort())
  // Engines and devices are asked, and tried: many who ask are one look.
  const look = sharedWork(() => lookAtAll(config, life.signal, { trials: false }))
  const tryAll = sharedWork(() => lookAtAll(config, life.signal))
  addRoute(app, machineRoutes.getDoctorReport, async () => ({ items: await look() }))
  addRoute(app, machineRoutes.runDoctor, async () => ({ items: await tryAll() }))
  addRoute(app, machineRoutes.listWallets, async () => ({
    items: await walletRows(config.walletPath),
  }))
}
