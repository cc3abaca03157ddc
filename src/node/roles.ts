import { attestationsTopic } from '../protocols/attestations.ts'
import { noticesTopic, offersTopic } from '../protocols/offers.ts'
import { pulsesTopic } from '../protocols/pulses.ts'
import type { Topic } from '../protocols/topic.ts'
import type { Config } from './config.ts'
import { accessRoute } from './control/routes/access.ts'
import { attestationsRoute } from './control/routes/attestations.ts'
import { bindingsRoute } from './control/routes/bindings.ts'
import { capabilitiesRoute } from './control/routes/capabilities.ts'
import { chainRoute } from './control/routes/chain.ts'
import { consoleRoute } from './control/routes/console.ts'
import { docsRoute } from './control/routes/docs.ts'
import { drainRoute } from './control/routes/drain.ts'
import { earningsRoute } from './control/routes/earnings.ts'
import { eventsRoute } from './control/routes/events.ts'
import { execRoute } from './control/routes/exec.ts'
import { filesRoute } from './control/routes/files.ts'
import { forwardRoute } from './control/routes/forward.ts'
import { fraudsRoute } from './control/routes/frauds.ts'
import { gpuJobsRoute } from './control/routes/gpu-jobs.ts'
import { gpusRoute } from './control/routes/gpus.ts'
import { leaseFilesRoute } from './control/routes/lease-files.ts'
import { leaseForwardsRoute } from './control/routes/lease-forwards.ts'
import { leaseLifeRoute } from './control/routes/lease-life.ts'
import { leasesRoute } from './control/routes/leases.ts'
import { loginRoute } from './control/routes/login.ts'
import { logsRoute } from './control/routes/logs.ts'
import { machineRoute } from './control/routes/machine.ts'
import { metricsRoute } from './control/routes/metrics.ts'
import { networkRoute } from './control/routes/network.ts'
import { offersRoute } from './control/routes/offers.ts'
import { ownRecordsRoute } from './control/routes/own-records.ts'
import { peersRoute } from './control/routes/peers.ts'
import { policyRoute } from './control/routes/policy.ts'
import { portRoute } from './control/routes/port.ts'
import { proofsRoute } from './control/routes/proofs.ts'
import { queueRoute } from './control/routes/queue.ts'
import { readyzRoute } from './control/routes/readyz.ts'
import { scoresRoute } from './control/routes/scores.ts'
import { shellRoute } from './control/routes/shell.ts'
import { snapshotRoute } from './control/routes/snapshot.ts'
import { spendingRoute } from './control/routes/spending.ts'
import { statusRoute } from './control/routes/status.ts'
import { templatesRoute } from './control/routes/templates.ts'
import { transcriptsRoute } from './control/routes/transcripts.ts'
import { usageRoute } from './control/routes/usage.ts'
import { validatorRoute } from './control/routes/validator.ts'
import { volumesRoute } from './control/routes/volumes.ts'
import type { Route } from './control/server.ts'
import type { Parts } from './parts.ts'
import type { Proving } from './proving.ts'
import type { Service } from './service.ts'
import { anchorOwnRecords } from './services/anchor-records.ts'
import { announceCapability } from './services/announce-capability.ts'
import { answerBandwidth } from './services/answer-bandwidth.ts'
import { answerChallenges } from './services/answer-challenges.ts'
import { challengeMiners } from './services/challenge-miners.ts'
import { checkMachine } from './services/check-machine.ts'
import { checkWitnesses } from './services/check-witnesses.ts'
import { collectAttestations } from './services/collect-attestations.ts'
import { collectOffers } from './services/collect-offers.ts'
import { computeScores } from './services/compute-scores.ts'
import { discoverCapabilities } from './services/discover-capabilities.ts'
import { followChain } from './services/follow-chain.ts'
import { fundRenter } from './services/fund-renter.ts'
import { hostLeases } from './services/host-leases.ts'
import { introducePeers } from './services/introduce-peers.ts'
import { joinNetwork } from './services/join-network.ts'
import { keepVolumes } from './services/keep-volumes.ts'
import { preflightGpus } from './services/preflight-gpus.ts'
import { publishOffer } from './services/publish-offer.ts'
import { recordEarnings } from './services/record-earnings.ts'
import { relayPulses } from './services/relay-pulses.ts'
import { rent } from './services/rent.ts'
import { serveSessions } from './services/serve-sessions.ts'
import { serveTranscripts } from './services/serve-transcripts.ts'
import { setWeights } from './services/set-weights.ts'
import { settle } from './services/settle.ts'
import { syncBooks } from './services/sync-books.ts'
import { watchEngine } from './services/watch-engine.ts'
import { watchGpus } from './services/watch-gpus.ts'
import { weighAccusations } from './services/weigh-accusations.ts'

/** Every topic that nodes carry, whatever their role: a node forwards only what it can judge. */
export const topics: readonly Topic[] = [offersTopic, noticesTopic, attestationsTopic, pulsesTopic]

type Role = Config['roles'][number]
/** Makes a service, or nothing on a node that lacks what it needs. */
type ServiceFactory = (parts: Parts) => Service | undefined

/** A service that runs where one optional part exists. */
const having =
  <K extends keyof Parts>(
    part: K,
    factory: (parts: Parts & { readonly [P in K]: NonNullable<Parts[P]> }) => Service,
  ): ServiceFactory =>
  (parts) =>
    parts[part] === undefined
      ? undefined
      : factory(parts as Parts & { readonly [P in K]: NonNullable<Parts[P]> })

/** A service of slots: it runs where a beacon is known. */
const proving =
  (factory: (parts: Parts & Proving) => Service): ServiceFactory =>
  (parts) =>
    parts.proving === undefined ? undefined : factory({ ...parts, ...parts.proving })

/** Only what a hotkey of the subnet bound is challenged: else anyone could fail in another's name. */
const challengeBoundMiners = proving((parts) => {
  const { capabilities, chainView } = parts
  const all = () =>
    capabilities.all().filter(({ payload }) => chainView.neuronOf(payload.peerId) !== undefined)
  return challengeMiners({ ...parts, capabilities: { all, learn: capabilities.learn } })
})

/**
 * Who is bound is asked about again before its record expires, also when it neither offers nor is connected; and who
 * testifies is asked about, for it may be a validator that this node has not met.
 */
const discover: ServiceFactory = (parts) =>
  discoverCapabilities({
    ...parts,
    boundPeers: parts.chainView.boundPeers,
    testifying: () => parts.proving?.attestations.waiting() ?? [],
  })

/** Weights need a chain to go to and scores to come from. */
const setOwnWeights: ServiceFactory = (parts) => {
  const { chainLink, scores } = parts
  if (chainLink === undefined || scores === undefined) return undefined
  return setWeights({ ...parts, chainLink, scores })
}

/** What may not work is barred before anything is offered or proven. */
const watchOwnGpus: ServiceFactory = ({ core, gpus, hosting, preflight }) =>
  gpus === undefined || hosting === undefined
    ? undefined
    : watchGpus({ core, gpus, hosting, preflight })

/** Also where no beacon is known: what is offered must work. */
const checkOwnGpus: ServiceFactory = ({ core, gpus, preflight }) =>
  gpus === undefined || preflight === undefined
    ? undefined
    : preflightGpus({ core, gpus, preflight })

const proveWhatMay = proving((parts) => {
  const { provers } = parts
  const barOf = (gpu: string) => parts.hosting?.capacity.barOf(gpu)?.kind
  return answerChallenges({
    ...parts,
    proverOf: (gpu) => provers?.proverOf(gpu),
    mayProve: (gpu) => barOf(gpu) === undefined,
    onTooLarge: async (gpu) => provers?.shrink(gpu),
  })
})

const everyone: readonly ServiceFactory[] = [
  having('minerChecks', checkMachine),
  having('chainLink', followChain),
  collectOffers,
  having('pulses', relayPulses),
  proving(collectAttestations),
  proving(weighAccusations),
  proving(checkWitnesses),
  having('scores', computeScores),
  discover,
  announceCapability,
  serveTranscripts,
  introducePeers,
  joinNetwork,
  syncBooks,
]

/** Who has a hotkey wants to know what it earned. */
const recordOwnEarnings = having('chainLink', recordEarnings)

/** A renter's line is for its leases. */
const letMeasure: ServiceFactory = (parts) => answerBandwidth(parts)

/** What each role adds, in the order of starting. This is the product on one page. */
const byRole: Readonly<Record<Role, readonly ServiceFactory[]>> = {
  relay: [letMeasure],
  miner: [
    watchOwnGpus,
    checkOwnGpus,
    proveWhatMay,
    having('hosting', watchEngine),
    having('hosting', hostLeases),
    having('hosting', serveSessions),
    having('hosting', keepVolumes),
    publishOffer,
    having('chainLink', anchorOwnRecords),
    recordOwnEarnings,
    letMeasure,
  ],
  validator: [challengeBoundMiners, setOwnWeights, recordOwnEarnings, letMeasure],
  renter: [having('ledger', fundRenter), rent, settle],
}

/** The services of a node's roles, each once, in order. */
export function servicesOf(parts: Parts): Service[] {
  const chosen = parts.core.config.roles.flatMap((role) => byRole[role])
  return [...new Set([...everyone, ...chosen])].flatMap((factory) => factory(parts) ?? [])
}

/** What the control API serves. */
export const routes: readonly Route<Parts>[] = [
  statusRoute,
  accessRoute,
  docsRoute,
  readyzRoute,
  metricsRoute,
  peersRoute,
  networkRoute,
  validatorRoute,
  eventsRoute,
  offersRoute,
  bindingsRoute,
  ownRecordsRoute,
  earningsRoute,
  consoleRoute,
  capabilitiesRoute,
  gpusRoute,
  leasesRoute,
  queueRoute,
  policyRoute,
  drainRoute,
  leaseLifeRoute,
  execRoute,
  shellRoute,
  logsRoute,
  portRoute,
  filesRoute,
  leaseFilesRoute,
  leaseForwardsRoute,
  usageRoute,
  forwardRoute,
  loginRoute,
  snapshotRoute,
  templatesRoute,
  machineRoute,
  chainRoute,
  volumesRoute,
  scoresRoute,
  attestationsRoute,
  transcriptsRoute,
  fraudsRoute,
  proofsRoute,
  gpuJobsRoute,
  spendingRoute,
]
