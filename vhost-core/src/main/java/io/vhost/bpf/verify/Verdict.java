package io.vhost.bpf.verify;

/**
 * A program was accepted.
 *
 * @param ends      whether it is known to end, so that it needs no budget
 * @param processed instructions that were followed, each as often as it was
 * @param states    states that were kept to compare others with
 * @param log       the log
 */
public record Verdict(boolean ends, int processed, int states, String log) {
}
