/** Where a process of a test kills itself. */

/** `reach` ends the process with kill -9 when it is called with `point` for the given time; `around` has a point before and after a step. */
export function crashPoint(point: string, occurrence: number) {
  let left = occurrence;
  /** No handler, no flush, no `finally`. */
  const reach = (reached: string): void => {
    if (reached === point && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
  const around = async <T>(step: string, run: () => Promise<T>): Promise<T> => {
    reach(`${step}:before`);
    const result = await run();
    reach(`${step}:after`);
    return result;
  };
  return { reach, around };
}
