/* The path of a command to a pump: from the intent in the journal to the proof at the pump. See README.md.
 *
 * Four processes: the recorder's thread, the line's thread, the pump, and the world that kills, cuts, loses and presses
 * keys. Each step is one guarded option of a loop, and all that the host knows is in variables: so a kill, which may
 * come between any two steps, takes away just what is not durable. Variables under "ghosts" are known to the properties
 * only, never to the host.
 *
 *   -DMUTANT_x   breaks one rule
 *   -DPROPERTY=n checks property n alone; without it all are checked
 *   -DSAY_UNREACHED makes every line count as reached or unreached
 */

#ifndef PROPERTY
#define PROPERTY 0
#endif
#define HOLDS(n, what) assert(PROPERTY != 0 && PROPERTY != n || (what))

/* A step without a choice. As atomic it is slower, and says which of its lines were never reached. */
#ifdef SAY_UNREACHED
#define STEP atomic
#else
#define STEP d_step
#endif

/* Commands. The setting changes a value from BEFORE to WANTED; the trigger starts the pump. */
#define SETTING 0
#define TRIGGER 1
#define BEFORE 0
#define WANTED 1
#define ANOTHER 2

/* Events of a command in the journal, as a set. An end is one of the last, in the upper three bits. */
#define INTENDED 1
#define SENT 2
#define TAKEN 4       /* answered: taken */
#define UNCERTAIN 8
#define READ_BACK 16
#define NOT_SENT 32
#define CONFIRMED 64
#define REJECTED 96
#define NOT_IN_EFFECT 128
#define RESOLVED 160  /* by a person */
#define FINISHED 224  /* any of these, once it is durable: which one it was makes no difference to what comes */

/* What the line tells the recorder; the command is in bit 3, and in bit 4 a ghost: the reading is an exchange's own. */
#define SAYS_NOT_SENT 0
#define SAYS_SENT 1
#define SAYS_TAKEN 2
#define SAYS_REFUSED 3
#define SAYS_DOUBT 4
#define SAYS_EQUAL 5
#define SAYS_BEFORE 6
#define SAYS_ANOTHER 7
#define OWN 16

/* Requests on the wire. The bit NEW is a ghost: it belongs to the exchange that is waited for. */
#define WRITE_SETTING 1
#define WRITE_TRIGGER 2
#define QUESTION 3
#define BARRIER 4
#define STOP 5
#define NEW 128

/* Replies on the wire: how they look, then value << 3, running << 5, the pump's own count of triggers << 6. An
 * acknowledgement looks like the answer to the question, and says what was commanded, whether it was done or not. */
#define STATUS 1
#define REFUSAL 2     /* proves that nothing was done */
#define BUSY 3        /* proves nothing */
#define PASSED 4      /* the barrier's answer */
#define LOOK(r) ((r) & 7)
#define VALUE(r) (((r) >> 3) & 3)
#define RUNS(r) (((r) >> 5) & 1)
#define COUNT(r) (((r) >> 6) & 1)

/* The exchange that the line is in. */
#define NONE 0
#define PREPARING 1   /* the values before, read just before the write */
#define WRITING 2
#define READING 3
#define PASSING 4     /* the barrier */
#define STOPPING 5
#define PROVING 6     /* the read-back of the stop */

#define CLOSED 0
#define RESTING 1
#define OPEN 2

/* The stop. */
#define ASKED 1
#define WRITTEN 2
#define SETTLED 3     /* proved, or told as not delivered or (after a kill) not proved: it makes no difference to what
                         comes, and it is never sent afterwards */

/* Durable: what a kill leaves. */
byte durable[2];
byte before;                 /* of the setting's intent: what the pump showed when it was decided */

/* The host's memory: what a kill takes. */
bool up = true;
bool waits;                  /* the setting is entered, and not started: a kill voids that, as a stop does */
byte pending[2];             /* events appended, not yet durable */
byte handing;                /* 1 + the command whose intent was committed, not yet handed over */
byte order;                  /* 1 + the command that the line holds, not yet written */
bool prepared;
chan outcomes = [3] of { byte };
byte connection = CLOSED;
byte exchange = NONE;
byte subject;                /* the command of that exchange */
bool unclean;                /* an answer may still come that could be taken for another's */
byte stop;                   /* the atomic word, and what became of it */
bool era[2];                 /* the order was decided after the stop: carried by the order */

/* The wire, in the order of sending. */
byte requests[2];
byte replies[2];
byte held;                   /* a request of an older connection, kept somewhere on the way */

/* The pump. */
byte value = BEFORE;
bool running;
bool count;

/* The world. */
byte kills;
bool asked[2];
bool keyUsed;
bool windowOver;             /* more than 10 s since the stop was asked */

/* Ghosts. */
byte written[2];             /* transmissions, ever */
byte obeyed[2];              /* how often the pump did it */
byte entered;                /* what the pump showed when the setting was entered; while it waits the host knows it */
bool same;                   /* a key press made the very value that was wanted */

byte i, m, n;                /* scratch, 0 between two steps */

/* The fold. */
#define EVENTS(c) (durable[c] | pending[c])
#define ENDED(e) ((e) >= NOT_SENT)
#define BEGUN(c) ((EVENTS(c) & INTENDED) && !ENDED(EVENTS(c)))
#define DOUBTFUL(c) ((EVENTS(c) & UNCERTAIN) && !ENDED(EVENTS(c)))
#define WANTS_READING(c) ((EVENTS(c) & (TAKEN | UNCERTAIN)) && !ENDED(EVENTS(c)))
#define IDLE (up && !pending[0] && !pending[1] && !handing)

#define STOPS (stop == ASKED || stop == WRITTEN)

#ifdef MUTANT_NO_BLOCKING
#define BLOCKED(other) (BEGUN(other) && !DOUBTFUL(other))
#else
#define BLOCKED(other) BEGUN(other)
#endif

#ifdef MUTANT_OTHERS_BEFORE_STOP
#define STOP_WAITS false
#else
#define STOP_WAITS (stop == ASKED)
#endif

#ifdef MUTANT_STOP_LATER
#define TOO_LATE false
#else
#define TOO_LATE windowOver
#endif

#ifdef MUTANT_ORDER_SURVIVES_STOP
#define VOID_BY_STOP(c) false
#else
#define VOID_BY_STOP(c) (era[c] != (stop != 0))
#endif

#ifdef MUTANT_NO_BARRIER
#define CLEAN true
#else
#define CLEAN (!unclean)
#endif

#ifdef MUTANT_NO_REST
#define RESTED true
#else
#define RESTED (held == 0)   /* the rest is longer than anything is held on the way */
#endif

#define IN(c, what) ((what & 7) == c + WRITE_SETTING)
#define UNDER_WAY(c) (IN(c, requests[0]) || IN(c, requests[1]) || IN(c, held))

inline ask(what) {
    i = (requests[0] == 0 -> 0 : 1);
    requests[i] = what | NEW;             /* of three, the second is lost */
    i = 0
}

inline reply(what) {
    i = (replies[0] == 0 -> 0 : 1);       /* not in one statement: it would be undone at the wrong place */
    replies[i] = what;
    i = 0
}

inline shift() {
    replies[0] = replies[1];
    replies[1] = 0
}

/* The exchange is over: whatever is on the wire belongs to an older one. */
inline over() {
    exchange = NONE;
    subject = 0;
    requests[0] = requests[0] & 127;
    requests[1] = requests[1] & 127;
    replies[0] = replies[0] & 127;
    replies[1] = replies[1] & 127
}

/* The connection ends: of the requests on the way one may be held, and still arrive. Replies that are on the way are
 * kept, in their order; each of them may be lost as well. */
inline cut() {
    if
    :: true -> skip
    :: requests[0] != 0 && held == 0 -> held = requests[0] & 7
    :: requests[1] != 0 && held == 0 -> held = requests[1] & 7
    fi;
    requests[0] = 0;
    requests[1] = 0;
    connection = CLOSED;
    unclean = false       /* without meaning while closed */
}

/* No answer, a damaged one, or the line is lost. */
inline fail() {
    unclean = true;
    prepared = false;     /* the values before are read anew */
    if
    :: exchange == WRITING ->
#if defined(MUTANT_SENT_AGAIN_AFTER_TIME_OUT)
        order = 1 + subject;
        prepared = true
#elif defined(MUTANT_SILENCE_IS_NOT_SENT)
        outcomes ! (SAYS_NOT_SENT | subject << 3)
#else
        outcomes ! (SAYS_DOUBT | subject << 3)
#endif
    :: else -> skip
    fi;
    over()
}

/* ------------------------------------------------------------------------------------------- the recorder's thread */

/* What is remembered of the events: as a snapshot event has it, no more than the fold needs. */
inline fold(c) {
    durable[c] = EVENTS(c);
    pending[c] = 0;
    if
    :: ENDED(durable[c]) -> durable[c] = FINISHED; written[c] = 1; obeyed[c] = 0
    :: !ENDED(durable[c]) && (durable[c] & UNCERTAIN) -> durable[c] = INTENDED | UNCERTAIN
    :: else -> skip
    fi
}

/* What nobody looks at any more is set back, so that fewer states differ. */
inline forget() {
    if
    :: durable[SETTING] == FINISHED -> value = BEFORE; same = false; before = BEFORE
    :: else -> skip
    fi;
    if
    :: durable[TRIGGER] == FINISHED -> count = false
    :: else -> skip
    fi
}

/* The setting is entered: what the pump shows at that moment is kept. */
inline enter() {
    asked[SETTING] = true;
    waits = true;
    entered = value
}

/* What was entered is void, or what was decided is not said any more. */
inline leave() {
    waits = false;
    entered = BEFORE
}

inline decide(c) {
    asked[c] = true;
    era[c] = (stop != 0);
    pending[c] = INTENDED;
#ifdef MUTANT_SENT_BEFORE_DURABLE
    order = 1 + c
#endif
}

inline end(c, how, own) {
    HOLDS(3, how != CONFIRMED || own && (obeyed[c] > 0 || c == SETTING && same));
    HOLDS(4, how != NOT_SENT || written[c] == 0);
    HOLDS(7, how != NOT_IN_EFFECT || c != TRIGGER || obeyed[c] == 0);
    HOLDS(9, how != REJECTED || obeyed[c] == 0 && !UNDER_WAY(c));
    HOLDS(11, how != NOT_IN_EFFECT || own && !UNDER_WAY(c));
    pending[c] = pending[c] | how
}

inline hear(c, what, own) {
    if
    :: ENDED(EVENTS(c)) -> skip                  /* an end is an end */
    :: else ->
        if
        :: what == SAYS_NOT_SENT -> end(c, NOT_SENT, 0)
        :: what == SAYS_SENT -> pending[c] = SENT & ~durable[c]
        :: what == SAYS_TAKEN ->
#ifdef MUTANT_ACKNOWLEDGED_IS_CONFIRMED
            end(c, CONFIRMED, own)
#else
            pending[c] = TAKEN
#endif
        :: what == SAYS_REFUSED -> end(c, REJECTED, 0)
        :: what == SAYS_DOUBT -> pending[c] = UNCERTAIN & ~durable[c]
        :: what == SAYS_EQUAL -> pending[c] = READ_BACK; end(c, CONFIRMED, own)
#ifdef MUTANT_TRIGGER_RESOLVED_BY_STATE
        :: what == SAYS_BEFORE && DOUBTFUL(c) ->
#else
        :: what == SAYS_BEFORE && DOUBTFUL(c) && c == SETTING ->
#endif
            pending[c] = READ_BACK; end(c, NOT_IN_EFFECT, own)
        :: else -> pending[c] = UNCERTAIN & ~durable[c]
        fi
    fi
}

inline start(c) {
    if
    :: (durable[c] & INTENDED) && !ENDED(durable[c]) ->
#if defined(MUTANT_RESTART_FORGETS)
        skip
#elif defined(MUTANT_SENT_AGAIN_AFTER_RESTART)
        if
        :: durable[c] & (SENT | UNCERTAIN) -> pending[c] = UNCERTAIN & ~durable[c]
        :: else -> order = 1 + c
        fi
#elif defined(MUTANT_RESTART_IS_NOT_SENT)
        if
        :: durable[c] & (SENT | UNCERTAIN) -> pending[c] = UNCERTAIN & ~durable[c]
        :: else -> end(c, NOT_SENT, 0)
        fi
#else
        pending[c] = UNCERTAIN & ~durable[c]
#endif
    :: else -> skip
    fi
}

/* After a restart an intent without an end is uncertain. */
#define LEFT(c) (!(durable[c] & INTENDED) || DOUBTFUL(c) || ENDED(durable[c]))

#ifdef MUTANT_ENTERING_FORGOTTEN
#define AS_ENTERED true
#else
#define AS_ENTERED (value == entered)
#endif

active proctype Recorder() {
    do
    :: atomic { IDLE && !asked[SETTING] && value != WANTED && !BLOCKED(TRIGGER) && !STOPS -> enter() }

    /* An intent: only when no other command is open and no stop is under way; of the setting, where the pump shows what
     * it showed when it was entered. */
    :: atomic {
        IDLE && waits && !BLOCKED(TRIGGER) && !STOPS ->
        if
        :: value != WANTED && AS_ENTERED -> waits = false; before = value; decide(SETTING)
        :: else -> leave(); pending[SETTING] = NOT_SENT
        fi
    }
    :: atomic { IDLE && !asked[TRIGGER] && !BLOCKED(SETTING) && !STOPS -> decide(TRIGGER) }

    /* The commit returned. */
    :: STEP {
        up && (pending[0] || pending[1]) ->
        if
        :: pending[SETTING] & INTENDED -> handing = 1 + SETTING
        :: pending[TRIGGER] & INTENDED -> handing = 1 + TRIGGER
        :: else -> skip
        fi;
        fold(SETTING);
        fold(TRIGGER);
        forget()
    }

    /* The commit of an intent failed: refused, nothing is handed over, it is not tried again. */
    :: STEP {
        up && ((pending[0] | pending[1]) & INTENDED) ->
        era[0] = false;
        era[1] = false;
#ifdef MUTANT_FAILED_COMMIT_IS_SENT
        handing = ((pending[SETTING] & INTENDED) -> 1 + SETTING : 1 + TRIGGER);
#endif
        if
        :: pending[SETTING] & INTENDED -> before = BEFORE; entered = BEFORE
        :: else -> skip
        fi;
        pending[0] = 0;
        pending[1] = 0
    }

    /* Handed over: the bytes of the row that was committed. */
    :: STEP {
        up && handing && order == 0 ->
#ifndef MUTANT_SENT_BEFORE_DURABLE
        order = handing;
#endif
        handing = 0
    }

    :: atomic { IDLE && nempty(outcomes) -> outcomes ? m; n = (m >> 3) & 1; hear(n, (m & 7), (m & OWN)); m = 0; n = 0 }

    /* A person resolves it, after a minute: longer than a request is held anywhere. */
    :: atomic { IDLE && DOUBTFUL(SETTING) && !UNDER_WAY(SETTING) -> end(SETTING, RESOLVED, 0) }
    :: atomic { IDLE && DOUBTFUL(TRIGGER) && !UNDER_WAY(TRIGGER) -> end(TRIGGER, RESOLVED, 0) }

    /* The host starts: the same fold. */
    :: atomic {
        !up -> up = true;
        start(SETTING);
        start(TRIGGER);
        HOLDS(6, LEFT(SETTING) && LEFT(TRIGGER))
    }
    od
}

/* ----------------------------------------------------------------------------------------------- the line's thread */

#define READY (up && connection == OPEN && exchange == NONE && !STOP_WAITS)
#define HAS_REPLY (up && connection != CLOSED && exchange != NONE && replies[0] != 0)

inline begin(what, c, request) {
    HOLDS(8, stop != ASKED);
    exchange = what;
    subject = c;
    ask(request)
}

inline write(c) {
    HOLDS(1, written[c] == 0 || ENDED(EVENTS(c)));
    HOLDS(2, (durable[c] & INTENDED) || ENDED(durable[c]));
    HOLDS(4, !ENDED(EVENTS(c)));
    HOLDS(5, !BEGUN(1 - c));
    HOLDS(12, era[c] == (stop != 0));
    written[c] = written[c] + (written[c] < 2 -> 1 : 0);
    order = 0;
    prepared = false;
    era[c] = false;
    if
    :: c == SETTING -> entered = BEFORE
    :: else -> skip
    fi;
    outcomes ! (SAYS_SENT | c << 3);
    begin(WRITING, c, WRITE_SETTING + c)
}

inline drop(c) {
    order = 0;
    prepared = false;
    era[c] = false;
    if
    :: c == SETTING -> entered = BEFORE
    :: else -> skip
    fi;
    outcomes ! (SAYS_NOT_SENT | c << 3)
}

#ifdef MUTANT_NOT_COMPARED
#define AS_DECIDED(c, r) true
#else
#define AS_DECIDED(c, r) (c == SETTING -> VALUE(r) == before : !RUNS(r))
#endif

/* The answer to the question about the values before. */
inline compare(c, r) {
    if
    :: LOOK(r) == STATUS && AS_DECIDED(c, r) ->
        HOLDS(14, c != SETTING || VALUE(r) == entered);
        prepared = true
    :: else -> drop(c)
    fi
}

/* The answer to a write. */
inline answered(c, r) {
    if
    :: LOOK(r) == STATUS -> outcomes ! (SAYS_TAKEN | c << 3)
#ifdef MUTANT_REFUSAL_BELIEVED
    :: LOOK(r) == REFUSAL || LOOK(r) == BUSY -> outcomes ! (SAYS_REFUSED | c << 3)
#else
    :: LOOK(r) == REFUSAL -> outcomes ! (SAYS_REFUSED | c << 3)
    :: LOOK(r) == BUSY -> outcomes ! (SAYS_DOUBT | c << 3)
#endif
    fi
}

#if defined(MUTANT_TRIGGER_CONFIRMED_BY_STATE)
#define EVIDENCE(r) RUNS(r)
#elif defined(MUTANT_TRIGGER_RESOLVED_BY_STATE)
#define EVIDENCE(r) (COUNT(r) && RUNS(r))
#else
#define EVIDENCE(r) COUNT(r)   /* a trigger is proved by evidence of its own */
#endif
#define AS_WANTED(c, r) (c == SETTING -> VALUE(r) == WANTED : EVIDENCE(r))
#define AS_BEFORE(c, r) (c == SETTING -> VALUE(r) == before : !EVIDENCE(r) && !RUNS(r))
#define TELL(what, c, r) outcomes ! (what | c << 3 | (r & NEW) >> 3)

/* The answer to the read-back. */
inline compared(c, r) {
    if
    :: LOOK(r) == STATUS ->
        if
        :: AS_WANTED(c, r) -> TELL(SAYS_EQUAL, c, r)
        :: !AS_WANTED(c, r) && AS_BEFORE(c, r) -> TELL(SAYS_BEFORE, c, r)
        :: else -> TELL(SAYS_ANOTHER, c, r)
        fi
    :: else -> skip
    fi
}

/* The answer to the read-back of the stop. */
inline proved(r) {
    if
    :: LOOK(r) == STATUS ->
        if
        :: !RUNS(r) -> HOLDS(13, !UNDER_WAY(TRIGGER)); stop = SETTLED
        :: else -> skip
        fi
    :: else -> skip
    fi
}

active proctype Line() {
    do
    :: STEP {
        up && connection == CLOSED ->
        connection = RESTING;
#ifndef MUTANT_OLD_CONNECTION_FORGOTTEN
        unclean = true       /* whatever was asked on an older connection, or before a restart, is unanswered */
#endif
    }
    :: STEP { up && connection == RESTING && exchange == NONE && RESTED -> connection = OPEN }

    /* The stop: before all else, without rest and barrier, within its window, once. */
    :: STEP {
        up && connection != CLOSED && exchange == NONE && stop == ASKED && !TOO_LATE ->
        HOLDS(8, !windowOver);
        windowOver = false;
        stop = WRITTEN;
        exchange = STOPPING;
        ask(STOP)
    }
    :: STEP { up && stop == ASKED && TOO_LATE -> stop = SETTLED; windowOver = false }

    :: STEP {
        READY && unclean && (order || WANTS_READING(0) || WANTS_READING(1) || stop == WRITTEN) ->
        begin(PASSING, 0, BARRIER)
    }

    /* An order: read the values before, then write once; or drop it. */
    :: STEP {
        READY && CLEAN && order && !prepared && len(outcomes) <= 1 && !VOID_BY_STOP(order - 1) ->
        begin(PREPARING, order - 1, QUESTION)
    }
    :: STEP {
        READY && CLEAN && order && prepared && len(outcomes) <= 1 && !VOID_BY_STOP(order - 1) ->
        m = order - 1;
        write(m);
        m = 0
    }
    :: STEP {    /* expired, or a stop was asked after it was decided */
        up && order && exchange == NONE && len(outcomes) <= 1 -> m = order - 1; drop(m); m = 0
    }

    :: STEP { READY && CLEAN && WANTS_READING(0) && empty(outcomes) -> begin(READING, 0, QUESTION) }
    :: STEP { READY && CLEAN && WANTS_READING(1) && empty(outcomes) -> begin(READING, 1, QUESTION) }
    :: STEP { READY && CLEAN && stop == WRITTEN -> begin(PROVING, 0, QUESTION) }

    /* An answer: told apart by its look, where it can be. */
    :: STEP {
        HAS_REPLY ->
        m = replies[0];
        n = subject;
        i = exchange;
        HOLDS(10, (m & NEW) || LOOK(m) == PASSED || i == PASSING || i == STOPPING);
        shift();
        if
        :: i == PASSING && LOOK(m) == PASSED ->
#ifndef MUTANT_BARRIERS_LOOK_ALIKE
            if
            :: m & NEW ->        /* a number of its own, or none of its kind is outstanding */
#endif
                unclean = false;
                over()
#ifndef MUTANT_BARRIERS_LOOK_ALIKE
            :: else -> skip
            fi
#endif
        :: i == PASSING && LOOK(m) != PASSED -> skip
        :: i != PASSING && LOOK(m) == PASSED -> skip
        :: i == PREPARING && LOOK(m) != PASSED -> over(); compare(n, m)
        :: i == WRITING && LOOK(m) != PASSED -> over(); answered(n, m)
        :: i == READING && LOOK(m) != PASSED -> over(); compared(n, m)
        :: i == STOPPING && LOOK(m) != PASSED -> over();
#ifdef MUTANT_STOP_CLEANS
            unclean = false
#endif
        :: i == PROVING && LOOK(m) != PASSED -> over(); proved(m)
        fi;
        m = 0;
        n = 0;
        i = 0
    }

    /* Silence, at any time: the answer may be late. */
    :: STEP { up && exchange != NONE && nfull(outcomes) -> fail() }
    od
}

/* -------------------------------------------------------------------------------------------------------- the pump */

inline does(c) {
    if
    :: c == SETTING -> value = WANTED
    :: else -> running = true; count = true
    fi;
    obeyed[c] = obeyed[c] + (obeyed[c] < 2 -> 1 : 0)
}

#define STATE (STATUS | value << 3 | running << 5 | count << 6)
#define CLAIM(c) (c == SETTING -> STATUS | WANTED << 3 | running << 5 | count << 6 : STATUS | value << 3 | 32 | 64)

inline serve(r) {
    n = r & NEW;
    r = r & 7;
    if
    :: r == WRITE_SETTING || r == WRITE_TRIGGER ->
        r = r - WRITE_SETTING;
        if
        :: true -> does(r); reply(CLAIM(r) | n)
        :: true -> reply(CLAIM(r) | n)                                    /* says yes and does nothing */
        :: r == SETTING -> value = ANOTHER; reply(CLAIM(r) | n)   /* says yes and stores another value */
        :: true -> reply(REFUSAL | n)
        :: true -> reply(BUSY | n)
        :: true -> does(r); reply(BUSY | n)
        fi
    :: r == QUESTION ->
        if
        :: true -> reply(STATE | n)
        :: true -> reply(REFUSAL | n)
        fi
    :: r == BARRIER -> reply(PASSED | n)
    :: r == STOP ->
        if
        :: running = false
        :: skip                                                   /* a lie */
        fi;
        reply((STATUS | value << 3 | count << 6) | n)
    fi;
    r = 0;
    n = 0
}

active proctype Pump() {
    do
    :: atomic { requests[0] != 0 -> m = requests[0]; requests[0] = requests[1]; requests[1] = 0; serve(m) }
    :: atomic { held != 0 -> m = held; held = 0; serve(m) }
    :: STEP { running -> running = false }                      /* it ends by itself */
    :: atomic {
        !keyUsed -> keyUsed = true;
        if
        :: running = !running
        :: durable[SETTING] != FINISHED -> value = WANTED; same = true
        :: durable[SETTING] != FINISHED -> value = ANOTHER
        :: durable[SETTING] != FINISHED -> value = BEFORE
        fi
    }
    od
}

/* ------------------------------------------------------------------------------------------------------- the world */

active proctype World() {
    do
    :: atomic {
        up && kills < 2 ->
        kills++;
        up = false;
        over();
        cut();
        pending[0] = 0;
        pending[1] = 0;
        era[0] = false;
        era[1] = false;
        handing = 0;
        order = 0;
        prepared = false;
        leave();
        if
        :: durable[SETTING] & INTENDED -> skip
        :: else -> before = BEFORE
        fi;
        windowOver = false;
        do
        :: nempty(outcomes) -> outcomes ? m
        :: empty(outcomes) -> break
        od;
        m = 0;
        if
        :: STOPS -> stop = SETTLED
        :: else -> skip
        fi
    }
    :: atomic { up && connection != CLOSED && nfull(outcomes) -> fail(); cut() }

    :: STEP { requests[0] != 0 -> requests[0] = requests[1]; requests[1] = 0 }
    :: STEP { held != 0 -> held = 0 }
    :: STEP { replies[0] != 0 -> shift() }

    :: STEP {
        up && stop == 0 ->
        stop = ASKED;
        /* What was entered is void; what was decided is told apart by its era. */
        if
        :: waits -> leave()
        :: else -> skip
        fi
    }
    :: STEP { stop == ASKED && !windowOver -> windowOver = true }
    od
}
