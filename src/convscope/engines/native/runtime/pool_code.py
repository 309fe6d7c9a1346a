"""The pool's own code: LLVM IR by hand, for a list of kernels and the threads that walk it."""

from __future__ import annotations

from string import Template

from ..codegen.target import Target

LINE = 16
"""Words of 8 bytes between fields that different threads write: two cache lines, as they are fetched in pairs."""
GENERATION, ARRIVED, BASE, RECORDS, COUNT, THREADS, STOP, YIELD, SLEEPING = (LINE * n for n in range(9))
SPINS = 20_000
"""Looks at the counter before a thread goes to sleep: some 200 µs, longer than the Python between two steps."""
PATIENCE = 4_000
"""Looks before a thread that waits for others offers its processor: they may not be running at all."""

_SHARED = Template("""
$declarations

define internal void @offer(ptr %state) nounwind {
  %at = getelementptr i64, ptr %state, i64 $yield_
  %address = load i64, ptr %at
  %function = inttoptr i64 %address to ptr
  %ignored = call i32 %function()
  ret void
}

; Walk the list: do one's share of each record, then wait for the others.
define internal void @walk(ptr %state, i64 %me) nounwind {
entry:
  $save
  %at.records = getelementptr i64, ptr %state, i64 $records
  %records = load ptr, ptr %at.records
  %at.count = getelementptr i64, ptr %state, i64 $count
  %count = load i64, ptr %at.count
  %at.threads = getelementptr i64, ptr %state, i64 $threads
  %threads = load i64, ptr %at.threads
  %at.base = getelementptr i64, ptr %state, i64 $base
  %base = load i64, ptr %at.base
  %arrived = getelementptr i64, ptr %state, i64 $arrived
  %next.me = add i64 %me, 1
  %any = icmp sgt i64 %count, 0
  br i1 %any, label %record, label %done
record:
  %n = phi i64 [0, %entry], [%n.next, %go.on]
  %target = phi i64 [%base, %entry], [%goal, %go.on]
  %at.record = getelementptr {i64, i64, i64}, ptr %records, i64 %n
  %function.word = load i64, ptr %at.record
  %at.table = getelementptr i64, ptr %at.record, i64 1
  %table = load ptr, ptr %at.table
  %at.items = getelementptr i64, ptr %at.record, i64 2
  %items = load i64, ptr %at.items
  %first.times = mul i64 %items, %me
  %first = udiv i64 %first.times, %threads
  %last.times = mul i64 %items, %next.me
  %last = udiv i64 %last.times, %threads
  %some = icmp slt i64 %first, %last
  br i1 %some, label %work, label %arrive
work:
  %function.address = inttoptr i64 %function.word to ptr
  call void %function.address(ptr %table, i64 %first, i64 %last, i64 %me)
  br label %arrive
arrive:
  %goal = add i64 %target, %threads
  %before = atomicrmw add ptr %arrived, i64 1 acq_rel
  br label %look
look:
  %looks = phi i64 [0, %arrive], [%looks.next, %again]
  %seen = load atomic i64, ptr %arrived acquire, align 8
  %all = icmp sge i64 %seen, %goal
  br i1 %all, label %go.on, label %wait
wait:
  $pause
  %looks.next = add i64 %looks, 1
  %impatient = icmp sgt i64 %looks, $patience
  br i1 %impatient, label %give, label %again
give:
  call void @offer(ptr %state)
  br label %again
again:
  br label %look
go.on:
  %n.next = add i64 %n, 1
  %more = icmp slt i64 %n.next, %count
  br i1 %more, label %record, label %done
done:
  $restore
  ret void
}

; The thread that asks: publish the list; say (as 1) where a sleeper must be woken first.
define i64 @publish(ptr %state) nounwind {
entry:
  %at.generation = getelementptr i64, ptr %state, i64 $generation
  %old = atomicrmw add ptr %at.generation, i64 1 seq_cst
  %at.threads = getelementptr i64, ptr %state, i64 $threads
  %threads = load i64, ptr %at.threads
  br label %next
next:
  %id = phi i64 [1, %entry], [%id.next, %check]
  %over = icmp sge i64 %id, %threads
  br i1 %over, label %awake, label %check
check:
  %offset = mul i64 %id, $line
  %place = add i64 %offset, $sleeping
  %at.sleeping = getelementptr i64, ptr %state, i64 %place
  %sleeps = load atomic i64, ptr %at.sleeping seq_cst, align 8
  %id.next = add i64 %id, 1
  %is = icmp ne i64 %sleeps, 0
  br i1 %is, label %asleep, label %next
awake:
  ret i64 0
asleep:
  ret i64 1
}

; Run a list on so many threads, or say (as 1) that sleepers must be woken before `resume`.
define i64 @run(ptr %state, ptr %list, i64 %length, i64 %used) nounwind {
  %at.arrived = getelementptr i64, ptr %state, i64 $arrived
  %at.base = getelementptr i64, ptr %state, i64 $base
  %at.records = getelementptr i64, ptr %state, i64 $records
  %at.count = getelementptr i64, ptr %state, i64 $count
  %at.threads = getelementptr i64, ptr %state, i64 $threads
  %base = load i64, ptr %at.arrived
  store i64 %base, ptr %at.base
  store ptr %list, ptr %at.records
  store i64 %length, ptr %at.count
  store i64 %used, ptr %at.threads
  %alone = icmp eq i64 %used, 1
  br i1 %alone, label %go, label %share
share:
  %slept = call i64 @publish(ptr %state)
  %is = icmp ne i64 %slept, 0
  br i1 %is, label %wake.first, label %go
wake.first:
  ret i64 1
go:
  call void @walk(ptr %state, i64 0)
  ret i64 0
}

define void @resume(ptr %state) nounwind {
  call void @walk(ptr %state, i64 0)
  ret void
}

; Take a sleeper's mark away; 1 where it was there and the sleeper must be woken.
define i64 @claim(ptr %state, i64 %id) nounwind {
  %offset = mul i64 %id, $line
  %place = add i64 %offset, $sleeping
  %at.sleeping = getelementptr i64, ptr %state, i64 %place
  %was = atomicrmw xchg ptr %at.sleeping, i64 0 seq_cst
  ret i64 %was
}

; A worker: returns 0 to end, 1 to sleep. `known` holds the generation it has worked off, from call to call.
define i64 @serve(ptr %state, i64 %me, ptr %known) nounwind {
entry:
  %at.generation = getelementptr i64, ptr %state, i64 $generation
  %at.stop = getelementptr i64, ptr %state, i64 $stop
  %offset = mul i64 %me, $line
  %place = add i64 %offset, $sleeping
  %at.sleeping = getelementptr i64, ptr %state, i64 %place
  br label %idle
idle:
  %done.with = load i64, ptr %known
  br label %look
look:
  %looks = phi i64 [0, %idle], [%looks.next, %wait]
  %now = load atomic i64, ptr %at.generation acquire, align 8
  %same = icmp eq i64 %now, %done.with
  br i1 %same, label %wait, label %found
wait:
  $pause
  %looks.next = add i64 %looks, 1
  %long = icmp sgt i64 %looks, $spins
  br i1 %long, label %tired, label %look
tired:
  %was = atomicrmw xchg ptr %at.sleeping, i64 1 seq_cst
  %newest = load atomic i64, ptr %at.generation seq_cst, align 8
  %still = icmp eq i64 %newest, %done.with
  br i1 %still, label %sleep, label %stay
stay:
  ; Work came in between. Whoever takes the mark away decides: if the asker did, it also raises the semaphore.
  %mine = atomicrmw xchg ptr %at.sleeping, i64 0 seq_cst
  %kept = icmp eq i64 %mine, 1
  br i1 %kept, label %idle, label %sleep
sleep:
  ret i64 1
found:
  %stops = load atomic i64, ptr %at.stop acquire, align 8
  %ends = icmp ne i64 %stops, 0
  br i1 %ends, label %end, label %go
go:
  store i64 %now, ptr %known
  call void @walk(ptr %state, i64 %me)
  br label %idle
end:
  ret i64 0
}
""")

_X86 = {
    "declarations": """declare void @llvm.x86.sse2.pause()
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)""",
    "pause": "call void @llvm.x86.sse2.pause()",
    # Bits 15 and 6: what is too small to be a normal number is zero, as a result and as an operand.
    "save": """%control = alloca i32
  %flushing = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %control)
  %control.word = load i32, ptr %control
  %flushing.word = or i32 %control.word, 32832
  store i32 %flushing.word, ptr %flushing
  call void @llvm.x86.sse.ldmxcsr(ptr %flushing)""",
    "restore": "call void @llvm.x86.sse.ldmxcsr(ptr %control)",
}
_ARM = {
    "declarations": """declare void @llvm.aarch64.hint(i32)
declare i64 @llvm.aarch64.get.fpcr()
declare void @llvm.aarch64.set.fpcr(i64)""",
    "pause": "call void @llvm.aarch64.hint(i32 1)",
    "save": """%control = call i64 @llvm.aarch64.get.fpcr()
  %flushing = or i64 %control, 16777216
  call void @llvm.aarch64.set.fpcr(i64 %flushing)""",
    "restore": "call void @llvm.aarch64.set.fpcr(i64 %control)",
}
_OTHER = {"declarations": "", "pause": "fence seq_cst", "save": "", "restore": ""}


def pool_code(target: Target) -> str:
    """Return the pool's LLVM IR for a processor.

    While a list runs, numbers below the normal range count as zero: on many processors they cost a hundred times
    as much as others, and they stand for nothing in a network.
    """
    own = _X86 if target.is_x86 else _ARM if target.is_arm else _OTHER
    fields = {
        "generation": GENERATION, "arrived": ARRIVED, "base": BASE, "records": RECORDS, "count": COUNT,
        "threads": THREADS, "stop": STOP, "yield_": YIELD, "sleeping": SLEEPING, "line": LINE, "spins": SPINS,
        "patience": PATIENCE,
    }  # fmt: skip
    return _SHARED.substitute({name: str(word) for name, word in fields.items()} | own)
