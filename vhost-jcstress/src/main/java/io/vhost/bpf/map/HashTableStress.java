package io.vhost.bpf.map;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** A hash that two CPUs use at a time. */
public final class HashTableStress {
    static final MemorySegment KEY = Maps.word(1);
    static final MemorySegment OTHER = Maps.word(2);
    static final MemorySegment ONE = Maps.word(1);
    static final MemorySegment TWO = Maps.word(2);
    static final int ANY = 0;
    static final int NEW = 1;

    private static final Maps.Pool HASHES = new Maps.Pool(MapType.HASH, 8, 8, 1);

    private HashTableStress() {}

    /** What a program reads under a key; 0 if there is none. */
    static int read(BpfTable map, MemorySegment key) {
        long at = map.lookup(key, 0, 0);
        return at == BpfTable.ABSENT ? 0 : (int) map.values().get(ValueLayout.JAVA_LONG, at);
    }

    static BpfTable cleared(Maps.Pool pool) {
        BpfTable map = pool.next();
        map.delete(KEY, 0);
        map.delete(OTHER, 0);
        return map;
    }

    /**
     * An entry that is replaced is there all the time, with the old value or the new one. Twin:
     * {@link HashTableControl.AnEntryIsMissedThatIsTakenOutAndPutInAgain}.
     */
    @JCStressTest
    @Outcome(id = {"1", "2"}, expect = ACCEPTABLE, desc = "The old value, or the new one.")
    @Outcome(expect = FORBIDDEN, desc = "The entry was not there, or had no value of its own.")
    @State
    public static class AnEntryThatIsReplacedIsNeverMissed {
        private final BpfTable map = cleared(HASHES);

        /** With the old value in. */
        public AnEntryThatIsReplacedIsNeverMissed() {
            map.update(KEY, 0, ONE, 0, ANY, 0);
        }

        @Actor
        public void replace() {
            map.update(KEY, 0, TWO, 0, ANY, 0);
        }

        @Actor
        public void look(I_Result r) {
            r.r1 = read(map, KEY);
        }
    }

    /**
     * Of two that put a new key in, one does, and of two keys one finds room: none is there twice, none is
     * lost. Twin: {@link HashTableControl.BothPutTheirKeyInWhereLookingComesFirst}.
     */
    @JCStressTest
    @Outcome(id = {"0, -17, 1", "-17, 0, 2"}, expect = ACCEPTABLE, desc = "One was first.")
    @Outcome(expect = FORBIDDEN, desc = "Both or none, or the value of who was second.")
    @State
    public static class OneOfTwoPutsANewKeyIn {
        private final BpfTable map = cleared(HASHES);

        @Actor
        public void one(III_Result r) {
            r.r1 = map.update(KEY, 0, ONE, 0, NEW, 0);
        }

        @Actor
        public void other(III_Result r) {
            r.r2 = map.update(KEY, 0, TWO, 0, NEW, 0);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = read(map, KEY);
        }
    }

    /** The same for the last free entry; the twin is the same, too. */
    @JCStressTest
    @Outcome(id = {"0, -7, 1", "-7, 0, 2"}, expect = ACCEPTABLE, desc = "One has it.")
    @Outcome(expect = FORBIDDEN, desc = "Both or none.")
    @State
    public static class OneOfTwoGetsTheLastEntry {
        private final BpfTable map = cleared(HASHES);

        @Actor
        public void one(III_Result r) {
            r.r1 = map.update(KEY, 0, ONE, 0, ANY, 0);
        }

        @Actor
        public void other(III_Result r) {
            r.r2 = map.update(OTHER, 0, TWO, 0, ANY, 1);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = read(map, KEY) + read(map, OTHER);
        }
    }
}
