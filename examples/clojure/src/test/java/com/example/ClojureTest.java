package com.example;

import static org.junit.jupiter.api.Assertions.assertTrue;

import clojure.java.api.Clojure;
import clojure.lang.IFn;
import org.junit.jupiter.api.Test;

/** Has JUnit run the tests in Clojure, without a plugin of the build. */
class ClojureTest {
    @Test
    void theTestsInClojurePass() {
        Object namespace = Clojure.read("com.example.counter-test");
        function("clojure.core", "require").invoke(namespace);
        Object result = function("clojure.test", "run-tests").invoke(namespace);
        assertTrue((boolean) function("clojure.test", "successful?").invoke(result), result::toString);
    }

    private static IFn function(String namespace, String name) {
        return Clojure.var(namespace, name);
    }
}
