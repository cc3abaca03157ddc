import { Boxes, Network, Server, Settings, Store } from 'lucide-react'
import { type ComponentType, lazy, type ReactNode } from 'react'

export interface ConsolePage {
  /** A wouter pattern; parameters begin with a colon. */
  readonly path: string
  readonly title: string
  readonly Content: ComponentType
  /** Absent for pages that others lead to: they are in no navigation. */
  readonly nav?: {
    readonly icon: ReactNode
    /** Where the entry leads; `path` may have parameters. */
    readonly to: string
    /** `g` and then this letter goes there. */
    readonly letter: string
    /** What the address begins with while the entry is the current one. */
    readonly under: readonly string[]
  }
}

/** Every page of the console, in the order of its navigation. A page is loaded when it is first gone to. */
export const pages: readonly ConsolePage[] = [
  {
    path: '/market',
    title: 'Market',
    Content: lazy(async () => ({
      default: (await import('../market/market-page.tsx')).MarketPage,
    })),
    nav: { icon: <Store />, to: '/market', letter: 'm', under: ['/market', '/rent'] },
  },
  {
    path: '/leases',
    title: 'Leases',
    Content: lazy(async () => ({
      default: (await import('../leases/leases-page.tsx')).LeasesPage,
    })),
    nav: { icon: <Boxes />, to: '/leases', letter: 'l', under: ['/leases'] },
  },
  {
    path: '/leases/:id/:tab?',
    title: 'Lease',
    Content: lazy(async () => ({
      default: (await import('../leases/lease-page.tsx')).LeasePage,
    })),
  },
  {
    path: '/rent/:offer',
    title: 'Rent',
    Content: lazy(async () => ({
      default: (await import('../rent/rent-page.tsx')).RentPage,
    })),
  },
  {
    path: '/node',
    title: 'My node',
    Content: lazy(async () => ({ default: (await import('../node/node-page.tsx')).NodePage })),
    nav: { icon: <Server />, to: '/node', letter: 'n', under: ['/node'] },
  },
  {
    path: '/network',
    title: 'Network',
    Content: lazy(async () => ({
      default: (await import('../network/network-page.tsx')).NetworkPage,
    })),
    nav: { icon: <Network />, to: '/network', letter: 'e', under: ['/network'] },
  },
  {
    path: '/settings',
    title: 'Settings',
    Content: lazy(async () => ({
      default: (await import('../settings/settings-page.tsx')).SettingsPage,
    })),
    nav: { icon: <Settings />, to: '/settings', letter: 's', under: ['/settings'] },
  },
]

/** Where `/` leads. */
export const FIRST_PAGE = '/market'
