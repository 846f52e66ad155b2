package io.vhost.device;

import static io.vhost.device.HostileAct.each;
import static io.vhost.device.Outcome.fenced;
import static io.vhost.device.Outcome.served;
import static io.vhost.device.RawRing.FRAME;
import static io.vhost.state.RingViolation.AVAIL_INDEX_JUMP;
import static io.vhost.state.RingViolation.BUFFER_ID_OUT_OF_RANGE;
import static io.vhost.state.RingViolation.EMPTY_CHAIN;
import static io.vhost.state.RingViolation.EVENT_FLAGS_RESERVED;
import static io.vhost.state.RingViolation.EVENT_OFFSET_OUT_OF_RANGE;
import static io.vhost.state.RingViolation.HEAD_IN_FLIGHT;
import static io.vhost.state.RingViolation.HEAD_OUT_OF_RANGE;

import io.vhost.device.RawRing.Round;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Indexes, ids and wishes for events that break a rule: classes 5, 6 and 21 to 23. */
final class HostileIndexes {
    private static final int AVAIL = 1 << 7;
    private static final int USED = 1 << 15;

    private HostileIndexes() {}

    static List<HostileAct> headOutOfRange() {
        return each("by", List.of(0, 1, 0x7FF0, 0xFFEF), beyond -> ring -> {
            int head = ring.size() + beyond;
            if (beyond > 1) {
                // A good descriptor stands there, far behind the areas of the ring.
                ring.entry(ring.end.addresses.desc(), head, ring.buffer(FRAME), ring.direction(), 0);
            }
            ring.offer(head, 1);
            return fenced(ring, HEAD_OUT_OF_RANGE);
        });
    }

    /** What the index says from its proper place on; entries nobody wrote name descriptor 0. */
    static List<HostileAct> indexJumps() {
        return List.of(
                new HostileAct("+1", ring -> {
                    ring.availIdx(ring.chains.size() + 1);
                    return staleHead(ring);
                }),
                new HostileAct("+size", ring -> {
                    ring.availIdx(ring.chains.size() + ring.size());
                    return ring.round == Round.SAME_BURST
                            ? fenced(AVAIL_INDEX_JUMP).atOnce() : staleHead(ring);
                }),
                new HostileAct("+size+1", ring -> {
                    ring.availIdx(ring.chains.size() + ring.size() + 1);
                    return fenced(AVAIL_INDEX_JUMP).atOnce();
                }),
                new HostileAct("+32768", ring -> {
                    ring.availIdx(ring.chains.size() + 0x8000);
                    return fenced(AVAIL_INDEX_JUMP).atOnce();
                }),
                new HostileAct("backwards", ring -> {
                    // Behind the place where the device has seen it last.
                    ring.availIdx(ring.round == Round.LATER ? ring.chains.size() - 1 : -1);
                    return fenced(AVAIL_INDEX_JUMP).atOnce();
                }));
    }

    /** The chains that come are those of descriptor 0: the first good one's, if there was one. */
    private static Outcome staleHead(RawRing ring) {
        if (ring.round == Round.ALONE) {
            return fenced(EMPTY_CHAIN);
        }
        ring.overlapping = true;
        if (ring.asynchronous && ring.round == Round.SAME_BURST) {
            return fenced(HEAD_IN_FLIGHT);
        }
        int extra = (ring.guest.memory.get(ValueLayout.JAVA_SHORT, ring.end.addresses.avail() + 2) & 0xFFFF)
                - ring.chains.size();
        // Synchronously nothing is in flight, so it may be offered again, as often as there is room.
        Outcome all = ring.asynchronous && extra > 1 ? fenced(HEAD_IN_FLIGHT).after(1, 1) : served(extra);
        // Where the ring is used to its end, the entries of both good chains are there once more.
        for (int i = 0; i < all.served(); i++) {
            ring.frames.add(i == ring.size() - 1 ? 1 : 0);
        }
        return all;
    }

    static List<HostileAct> packedFlagsAndIds() {
        List<HostileAct> acts = new ArrayList<>();
        for (int flags : new int[] {AVAIL | USED, USED, 0}) {
            acts.add(new HostileAct("flags 0x%x".formatted(flags), ring -> {
                ring.putRaw(ring.buffer(FRAME), ring.direction() | flags, ring.slot());
                return served(0);
            }));
        }
        acts.addAll(each("id beyond by", List.of(0, 1, 0xFFEF), beyond -> ring -> {
            ring.put(ring.buffer(FRAME), ring.direction(), ring.size() + beyond);
            ring.offer(0, 1);
            return fenced(ring, BUFFER_ID_OUT_OF_RANGE);
        }));
        acts.add(new HostileAct("id beyond at a chain's end", ring -> {
            ring.put(ring.buffer(12), ring.direction() | RawRing.NEXT, 0);
            ring.put(ring.buffer(60), ring.direction(), ring.size());
            ring.offer(0, 2);
            return fenced(ring, BUFFER_ID_OUT_OF_RANGE);
        }));
        acts.add(new HostileAct("two chains of one id", ring -> {
            int id = ring.slot();
            ring.chain(ring.buffer(FRAME));
            ring.chain(ring.buffer(FRAME));
            reName(ring, id);
            return again(ring);
        }));
        return acts;
    }

    /** Gives the last chain another id. */
    private static void reName(RawRing ring, int id) {
        int last = (ring.slot() + ring.size() - 1) % ring.size();
        ring.guest.memory.set(
                ValueLayout.JAVA_SHORT, ring.end.addresses.desc() + 16L * last + 12, (short) id);
    }

    /** What is in flight cannot be taken again; synchronously nothing is. */
    private static Outcome again(RawRing ring) {
        return ring.asynchronous ? fenced(HEAD_IN_FLIGHT).after(1, 1) : served(2);
    }

    static List<HostileAct> offeredAgain() {
        return List.of(new HostileAct("at once", ring -> {
            int head = ring.slot();
            RawRing.Buffer buffer = ring.buffer(FRAME);
            ring.chain(buffer);
            if (ring.isSplit()) {
                ring.offer(head, 1);
                ring.chains.set(ring.chains.size() - 1, ring.chains.get(ring.chains.size() - 2));
                ring.frames.add(ring.frames.getLast());
            } else {
                ring.chain(buffer);
                reName(ring, head);
                // The second frame was written over the first.
                ring.frames.set(ring.frames.size() - 2, ring.frames.getLast());
            }
            ring.overlapping = true;
            return again(ring);
        }));
    }

    static List<HostileAct> eventWishes() {
        List<HostileAct> acts = new ArrayList<>();
        for (int wish : new int[] {0, 0x8000, 0xFFFF, 0x7FFF}) {
            acts.add(new HostileAct("split event 0x%x".formatted(wish), true, ring -> {
                if (ring.isSplit()) {
                    usedEvent(ring, wish);
                } else {
                    event(ring, (wish & 0x7FFF) | 16, 2);
                    return one(ring, fenced(EVENT_OFFSET_OUT_OF_RANGE)).interrupting(true);
                }
                // After a start the first publication interrupts in any case.
                return one(ring, served(1)).interrupting(ring.round != Round.LATER);
            }));
        }
        for (int flags : new int[] {2, 3, 0xFFFE, 0xFFFF}) {
            acts.add(new HostileAct("flags 0x%x".formatted(flags), ring -> {
                if (ring.isSplit()) {
                    ring.guest.memory.set(
                            ValueLayout.JAVA_SHORT, ring.end.addresses.avail(), (short) flags);
                    usedEvent(ring, 0xFFFF);
                    return one(ring, served(1)).interrupting((flags & 1) == 0);
                }
                event(ring, 0xFFFF, flags);
                return one(ring, fenced(EVENT_FLAGS_RESERVED)).interrupting(true);
            }));
        }
        return acts;
    }

    private static void usedEvent(RawRing ring, int wish) {
        long at = ring.end.addresses.avail() + 4 + 2L * ring.size();
        ring.guest.memory.set(ValueLayout.JAVA_SHORT, at, (short) wish);
    }

    private static void event(RawRing ring, int offWrap, int flags) {
        ring.guest.memory.set(ValueLayout.JAVA_INT, ring.end.addresses.avail(), offWrap | flags << 16);
    }

    /** One chain that is served in any case: the wish is looked at when it was. */
    private static Outcome one(RawRing ring, Outcome outcome) {
        ring.good();
        return outcome.after(1, 1);
    }
}
