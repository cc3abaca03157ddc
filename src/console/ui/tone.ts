/** How a state is meant; the word beside it says the same. */
export type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'info'
