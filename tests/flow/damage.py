#!/usr/bin/env python3
"""Bits that turn on the broker's disk: what is damaged is found, named, and never played; the rest goes on."""

import h1
import kit
from job_story import JobStory


def turn_a_bit(path, near):
    """In every copy of it that the file has.  False: it has none."""
    content, found = bytearray(path.read_bytes()), -1
    places = []
    while (found := content.find(near, found + 1)) >= 0:
        places.append(found)
        content[found] ^= 4
    path.write_bytes(content)
    return bool(places)


class Damage(JobStory):
    def submit_all(self, count):
        return [self.submit(b"payload-%d." % n) for n in range(count)]

    def jobs_folder(self):
        return self.place.folder / self.broker.conf["data"]

    def test_a_damaged_request_makes_its_job_dead_and_no_other(self):
        self.begin(worker=False, answer=lambda r: h1.reply(200, b"model of " + r.body))
        jobs = self.submit_all(5)
        self.broker.kill()
        self.broker.start()  # everything is in the database now, and nothing in the journal
        self.broker.wait_log(" ready ", times=2)
        self.broker.kill()
        self.assertTrue(turn_a_bit(self.jobs_folder() / "data.mdb", b"payload-3."))
        self.broker.start()
        self.start(self.trainer)
        for number, job in enumerate(jobs):
            if number != 3:
                self.wait_until_known(job, "done")
                self.assert_answer(self.result(job), 200, b"model of payload-%d." % number)
        status = self.wait_until_known(jobs[3], "dead")
        self.assertIn("damaged", status["reason"])
        self.broker.wait_log(f'record-damaged row="{jobs[3]}"')
        self.assertNotIn(b"payload-3.", [r.body for r in self.function.seen])

    def test_a_damaged_journal_is_refused_and_not_played_in_part(self):
        self.broker.ends = (0, 1)
        self.begin(worker=False)
        for _ in range(5):  # a quiet second in between would have emptied the journal
            self.submit_all(3)
            self.broker.kill()
            self.assertTrue(turn_a_bit(self.jobs_folder() / "journal", b"payload-1."))
            started = self.broker.log().count(" ready ")
            kit.Process.start(self.broker)
            kit.wait_until(
                "it has ended, or is ready",
                lambda before=started: not self.broker.is_running() or self.broker.log().count(" ready ") > before,
            )
            if not self.broker.is_running():
                break
            self.broker.wait_ready()
        self.assertFalse(self.broker.is_running())
        self.assertIn("journal is damaged in the middle: go back to a backup", self.broker.log())


if __name__ == "__main__":
    kit.main()
