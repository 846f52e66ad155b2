package io.vhost.metrics;

import java.util.Map;
import java.util.function.Supplier;
import javax.management.Attribute;
import javax.management.AttributeList;
import javax.management.AttributeNotFoundException;
import javax.management.DynamicMBean;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanInfo;
import javax.management.MBeanNotificationInfo;
import javax.management.MBeanOperationInfo;
import javax.management.ReflectionException;

/** A bean whose attributes are numbers that can be read. Threads: any. */
final class FigureBean implements DynamicMBean {
    private final String description;
    private final Supplier<Map<String, Long>> figures;

    /** A bean with these attributes, whose names stay the same. */
    FigureBean(String description, Supplier<Map<String, Long>> figures) {
        this.description = description;
        this.figures = figures;
    }

    @Override
    public Object getAttribute(String name) throws AttributeNotFoundException {
        Long value = figures.get().get(name);
        if (value == null) {
            throw new AttributeNotFoundException(name);
        }
        return value;
    }

    /** All of one moment. */
    @Override
    public AttributeList getAttributes(String[] names) {
        Map<String, Long> now = figures.get();
        AttributeList list = new AttributeList();
        for (String name : names) {
            if (now.containsKey(name)) {
                list.add(new Attribute(name, now.get(name)));
            }
        }
        return list;
    }

    @Override
    public void setAttribute(Attribute attribute) throws AttributeNotFoundException {
        throw new AttributeNotFoundException(attribute.getName() + " can only be read");
    }

    @Override
    public AttributeList setAttributes(AttributeList attributes) {
        return new AttributeList();
    }

    @Override
    public Object invoke(String action, Object[] parameters, String[] signature) throws ReflectionException {
        throw new ReflectionException(new NoSuchMethodException(action));
    }

    @Override
    public MBeanInfo getMBeanInfo() {
        MBeanAttributeInfo[] attributes = figures.get().keySet().stream()
                .map(name -> new MBeanAttributeInfo(name, "long", name, true, false, false))
                .toArray(MBeanAttributeInfo[]::new);
        return new MBeanInfo(FigureBean.class.getName(), description, attributes, null,
                new MBeanOperationInfo[0], new MBeanNotificationInfo[0]);
    }
}
