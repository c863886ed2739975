/** What the kernel says about a process: CPU time and memory, from /proc. */
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second on every machine we know; getconf CLK_TCK would tell. */
const TICKS_PER_SECOND = 100;

/** User and system time of the process and all its threads so far, seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name stands in parentheses and may hold anything; the fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident and proportional set size, megabytes of 2^20 bytes. */
export function memoryMb(pid: number): { rss: number; pss: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0);
  return { rss: Math.round(kilobytes('Rss') / 1024), pss: Math.round(kilobytes('Pss') / 1024) };
}
