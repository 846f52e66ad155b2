package io.vhost.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.state.QueueCounters.Counter;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class QueueFamilyTest {
    @Test
    void everyCounterIsInOneFamily() {
        List<Counter> served = QueueFamily.ALL.stream()
                .flatMap(family -> family.counters().values().stream()).sorted().toList();
        assertEquals(List.of(Counter.values()), served);
    }

    @Test
    void aFamilyOfSeveralHasALabel() {
        Stream<QueueFamily> all = QueueFamily.ALL.stream();
        assertEquals(List.of(), all.filter(each -> each.label().isEmpty() != (each.counters().size() == 1))
                .toList());
    }
}
