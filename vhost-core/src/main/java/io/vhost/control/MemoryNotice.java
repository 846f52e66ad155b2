package io.vhost.control;

import io.vhost.memory.GuestMemory;
import io.vhost.state.MemoryBacking;
import io.vhost.state.MemoryRegion;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Says once a connection what is unusual about the memory that its front-end shares. Its thread. */
final class MemoryNotice {
    private final DeviceVoice voice;
    private boolean unsealedSaid;
    private boolean slowSaid;

    MemoryNotice(DeviceVoice voice) {
        this.voice = voice;
    }

    /** Looks at a table that is in use from now on. */
    void look(GuestMemory table) {
        List<MemoryRegion> unsealed = unsealedSaid ? List.of() : regions(table, backing -> !backing.sealed());
        if (!unsealed.isEmpty()) {
            unsealedSaid = true;
            voice.log().log(Level.INFO, () -> ("(%s) memory that cannot be sealed against truncation, so its"
                    + " front-end can lose its connection by truncating it: %s")
                            .formatted(voice.name(), unsealed));
        }
        List<MemoryRegion> slow = slowSaid ? List.of() : regions(table, backing -> !backing.inMemory());
        if (!slow.isEmpty()) {
            slowSaid = true;
            voice.log().log(Level.WARNING, () -> ("(%s) memory in files that are not memory themselves, for"
                    + " whose pages all of this process may have to wait: %s").formatted(voice.name(), slow));
        }
    }

    private static List<MemoryRegion> regions(GuestMemory table, Predicate<MemoryBacking> unusual) {
        List<MemoryRegion> found = new ArrayList<>();
        for (int i = 0; i < table.backings().size(); i++) {
            if (unusual.test(table.backings().get(i))) {
                found.add(table.regions().get(i));
            }
        }
        return found;
    }
}
