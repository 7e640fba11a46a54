(ns com.example.counter-test
  "A number on a raw disk, in two places by turns, so that one of them is whole after a power cut."
  (:require [clojure.string :as string]
            [clojure.test :refer [deftest is]])
  (:import (dev.ublk4j.crash CrashedDisk CrashFailure CrashLab CrashOptions LabDisk)
           (java.nio ByteBuffer)
           (java.util.zip CRC32C)))

(set! *warn-on-reflection* true)

(def ^:const block 4096)

(defn- checksum [number]
  (let [sum (CRC32C.)]
    (.update sum (.array (.putLong (ByteBuffer/allocate 8) number)))
    (.getValue sum)))

(defn put-number
  "Writes a number, which the disk may lose until it is flushed."
  [^LabDisk disk number]
  (let [bytes (-> (ByteBuffer/allocate block) (.putLong number) (.putLong (checksum number)) .array)]
    (.write disk (* block (mod number 2)) bytes)))

(defn get-number
  "The larger one of the numbers that are whole."
  [^LabDisk disk]
  (apply max
         (for [place [0 1]]
           (let [found (ByteBuffer/wrap (.read disk (* block place) block))
                 number (.getLong found)]
             (if (= (.getLong found) (checksum number)) number 0)))))

(defn- promised [^CrashedDisk disk]
  (.orElse (.lastMark disk) 0))

(def options (.withSize (CrashOptions/defaults) 8192))

(deftest a-number-that-was-put-survives
  (with-open [lab (CrashLab/create options)]
    (.record lab
             (fn [^LabDisk disk]
               (doseq [i (range 1 9)]
                 (put-number disk i)
                 (.flush disk)
                 (.mark lab i))))
    (let [report (.eachCrash lab
                             (fn [disk]
                               (assert (<= (promised disk) (get-number disk)))))]
      (is (pos? (.images report))))))

(deftest a-missing-flush-is-found
  (with-open [lab (CrashLab/create options)]
    (.record lab
             (fn [disk]
               (put-number disk 1)
               (.mark lab "1 is put")))
    (let [failure (is (thrown? CrashFailure
                               (.eachCrash lab
                                           (fn [^CrashedDisk disk]
                                             (assert (or (empty? (.marks disk)) (= 1 (get-number disk))))))))]
      (is (string/includes? (ex-message failure) "write, 4096 bytes at 4096: LOST")))))
