package io.vhost.bpf.map;

import static io.vhost.bpf.map.HashTableStress.KEY;
import static io.vhost.bpf.map.HashTableStress.ONE;
import static io.vhost.bpf.map.HashTableStress.TWO;
import static io.vhost.bpf.map.HashTableStress.cleared;
import static io.vhost.bpf.map.HashTableStress.read;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import io.vhost.Pause;
import java.lang.foreign.MemorySegment;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Broken twins of the hash: what {@link HashTableStress} would see. */
public final class HashTableControl {
    private static final Maps.Pool HASHES = new Maps.Pool(MapType.HASH, 8, 8, 1);
    private static final int EEXIST = -17;

    private HashTableControl() {}

    /** An update that takes the old entry out before it puts the new one in. Seen 87 times in 92,655. */
    @JCStressTest
    @Outcome(id = {"1", "2"}, expect = ACCEPTABLE, desc = "The old value, or the new one.")
    @Outcome(id = "0", expect = ACCEPTABLE_INTERESTING, desc = "The entry was not there.")
    @State
    public static class AnEntryIsMissedThatIsTakenOutAndPutInAgain {
        private final BpfTable map = cleared(HASHES);

        /** With the old value in. */
        public AnEntryIsMissedThatIsTakenOutAndPutInAgain() {
            map.update(KEY, 0, ONE, 0, 0, 0);
        }

        @Actor
        public void replace() {
            map.delete(KEY, 0);
            Pause.linger();
            map.update(KEY, 0, TWO, 0, 0, 0);
        }

        @Actor
        public void look(I_Result r) {
            r.r1 = read(map, KEY);
        }
    }

    /** Looks whether the key is new, and puts it in afterwards. Seen 1,148 times in 52,043. */
    @JCStressTest
    @Outcome(id = {"0, -17, 1", "-17, 0, 2"}, expect = ACCEPTABLE, desc = "One was first.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Both put it in.")
    @State
    public static class BothPutTheirKeyInWhereLookingComesFirst {
        private final BpfTable map = cleared(HASHES);

        private int put(MemorySegment value) {
            boolean fresh = map.lookup(KEY, 0, 0) == BpfTable.ABSENT;
            Pause.linger();
            return fresh ? map.update(KEY, 0, value, 0, 0, 0) : EEXIST;
        }

        @Actor
        public void one(III_Result r) {
            r.r1 = put(ONE);
        }

        @Actor
        public void other(III_Result r) {
            r.r2 = put(TWO);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = read(map, KEY);
        }
    }
}
