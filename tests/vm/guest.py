#!/usr/bin/python3
"""Runs as the last unit of every boot of the virtual machine: Wharf under real systemd, on cgroup v2 with its controllers.

The first boot runs tasks, looks at what the kernel holds them to, and resets the machine under them, without a word to anybody. The second
one looks at what was told of them, and sets the clock while tasks are to stop. The last line says PASSED or FAILED; then the machine is switched off.
"""
import json
import pathlib
import subprocess
import sys
import time
import traceback

import boto3

STATE = pathlib.Path("/var/lib/wharf-vm")
BOOT = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
CGROUPS = pathlib.Path("/sys/fs/cgroup")
MIB = 1 << 20
# A bound of every wait, not a measurement: the machine is emulated.
DEADLINE = 240
STAY = "trap 'exit 0' TERM; sleep 3600 & wait"
DEAF = "trap '' TERM; while :; do sleep 1; done"
TEN_MINUTES = 600

ecs = boto3.client("ecs", endpoint_url="http://127.0.0.1:8585", region_name="eu-central-1",
                   aws_access_key_id="AKIDVM", aws_secret_access_key="a secret of this machine")


def until(what, look):
    end = time.monotonic() + DEADLINE
    while True:
        try:
            found = look()
        except Exception as error:  # The control plane may just be starting.
            found, complaint = None, error
        else:
            complaint = found
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {DEADLINE} s for {what}: {complaint!r}")
        time.sleep(0.5)


def instance():
    listed = ecs.list_container_instances()["containerInstanceArns"]
    described = ecs.describe_container_instances(containerInstances=listed)["containerInstances"] if listed else []
    return next((one for one in described if one["agentConnected"]), None)


def describe(task):
    return ecs.describe_tasks(tasks=[task])["tasks"][0]


def run(family, script, memory, stop_timeout=5):
    container = {"name": "app", "image": "wharf/vm:latest", "command": ["sh", "-c", script], "memory": memory, "cpu": 64,
                 "stopTimeout": stop_timeout}
    ecs.register_task_definition(family=family, networkMode="awsvpc", containerDefinitions=[container])
    network = {"awsvpcConfiguration": {"subnets": ["subnet-vm"]}}
    answer = ecs.run_task(taskDefinition=family, networkConfiguration=network)
    assert not answer["failures"], answer["failures"]
    return answer["tasks"][0]["taskArn"]


def reached(task, status):
    return until(f"{status} of {task}", lambda: (describe(task)["lastStatus"] == status) and describe(task))


def cgroups_of(task):
    name = task.rsplit("/", 1)[1]
    return [path for path in CGROUPS.rglob(f"*{name}*") if path.is_dir()]


def command(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def the_rules_of_cgroups_hold():
    """The runtime's own tests of them, in a hierarchy that is v2 and nothing else."""
    done = subprocess.run(["/usr/local/libexec/wharf-vm-cgroups", "cgroup::"], capture_output=True, text=True)
    assert done.returncode == 0 and "ok. 0 passed" not in done.stdout, done.stdout + done.stderr
    # After what the console may have said without an end of line.
    print("\nVM:", next(line for line in done.stdout.splitlines() if line.startswith("test result")), flush=True)


def before():
    controllers = (CGROUPS / "cgroup.controllers").read_text().split()
    assert {"cpu", "memory", "pids"} <= set(controllers), controllers
    the_rules_of_cgroups_hold()
    until("the agent to be connected", instance)
    print(command("wharf-agent", "image", "load", "/root/vm.tar"))

    stay = [run("stay", STAY, 64) for _ in range(3)]
    for task in stay:
        reached(task, "RUNNING")
    limits = {str(file): file.read_text().strip() for path in cgroups_of(stay[0]) for file in path.rglob("memory.max")}
    assert str(64 * MIB) in limits.values(), limits

    hungry = reached(run("hungry", "x=wharf; while true; do x=$x$x; done", 16), "STOPPED")
    app = hungry["containers"][0]
    assert "OutOfMemory" in app.get("reason", "") and app["exitCode"] == 137, app
    assert until("its cgroup to be gone", lambda: not cgroups_of(hungry["taskArn"]))

    # Its helper ignores every polite word: ended by cgroup.kill, with what the main process leaves behind.
    heir = run("heir", "(trap '' TERM HUP INT; sleep 3600) & sleep 1; exit 3", 64)
    assert reached(heir, "STOPPED")["containers"][0]["exitCode"] == 3
    assert until("what it left to be gone", lambda: not cgroups_of(heir))

    STATE.mkdir(parents=True)
    (STATE / "before.json").write_text(json.dumps({"boot": BOOT, "stay": stay}))
    command("sync", "-f", str(STATE))
    print("VM: resets itself under three running tasks", flush=True)
    pathlib.Path("/proc/sysrq-trigger").write_text("b")
    time.sleep(60)
    raise AssertionError("the machine goes on")


def stops_in_its_time_though_the_clock_is_set(by):
    """Who ignores SIGTERM is killed when its time is over, whatever the wall clock was set to meanwhile."""
    timeout = 20
    task = run("deaf", DEAF, 64, timeout)
    reached(task, "RUNNING")
    asked = time.monotonic()
    ecs.stop_task(task=task)
    time.sleep(5)
    time.clock_settime(time.CLOCK_REALTIME, time.time() + by)
    # Shorter than what the clock was set back: with a deadline that stands still it would be waited for in vain.
    assert DEADLINE < TEN_MINUTES
    assert reached(task, "STOPPED")["containers"][0]["exitCode"] == 137
    took = time.monotonic() - asked
    assert took >= timeout, f"killed after {took} s, and it had {timeout} s"
    explained = command("wharf-agent", "explain", task)
    way = "back" if by < 0 else "forward"
    assert f"clock was set {way} by" in explained, explained
    print(f"VM: clock set {way}, stopped after {took:.1f} s of {timeout} s", flush=True)


def after(known):
    assert known["boot"] != BOOT, "another boot has another id"
    until("the agent to be connected", instance)
    for task in known["stay"]:
        stopped = reached(task, "STOPPED")
        app = stopped["containers"][0]
        assert "HostRebooted" in stopped["stoppedReason"] or "HostRebooted" in app.get("reason", ""), stopped
        assert "exitCode" not in app, "nobody saw how it ended"
        assert until("its cgroup to be gone", lambda task=task: not cgroups_of(task))
    print(command("wharf-agent", "explain", known["stay"][0]))
    again = run("stay", STAY, 64)
    reached(again, "RUNNING")
    ecs.stop_task(task=again)
    assert reached(again, "STOPPED")["containers"][0]["exitCode"] == 0
    for by in (-TEN_MINUTES, TEN_MINUTES):
        stops_in_its_time_though_the_clock_is_set(by)
    # Neither of the boot before, nor of this one.
    pins = pathlib.Path("/run/wharf/netns")
    assert until("namespaces to be gone", lambda: not (pins.exists() and any(pins.iterdir())))
    links = [link["ifname"] for link in json.loads(command("ip", "-json", "link", "show", "type", "veth"))]
    assert not links, links


def main():
    known = STATE / "before.json"
    try:
        after(json.loads(known.read_text())) if known.exists() else before()
        print("VM: PASSED")
    except Exception:
        traceback.print_exc(file=sys.stdout)
        print(command("journalctl", "-b", "-u", "wharf-agent", "-u", "wharf-control-plane", "-n", "150", "--no-pager"))
        print("VM: FAILED")
    sys.stdout.flush()
    command("systemctl", "poweroff")


main()
