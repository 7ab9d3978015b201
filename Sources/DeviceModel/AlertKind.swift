/// How soon somebody must act, after IEC 60601-1-8.
package enum AlertPriority: String, Sendable, CaseIterable {
    case high
    case medium
    case low
}

/// What an alert is about.
package enum AlertNature: String, Sendable, CaseIterable {
    /// A device, its line or the host.
    case technical
    /// The patient.
    case physiological
}

/// An alert as people and the records service know it.
package struct AlertDescriptor: Sendable, Hashable {
    /// The name in the journal.
    package let name: String
    package let nature: AlertNature
    package let priority: AlertPriority
    /// What a nurse reads, in English.
    package let text: String
    /// What a nurse reads, in Arabic.
    package let arabicText: String
    /// The verified IEEE 11073-10101 code; `nil` where none is known that means just this.
    package let code: UInt32?
}

/// The host's own alerts: about a device's link, the unit's settings, the way to the records service, the journal.
/// Those of a device itself are declared by its profile.
///
/// The priorities are proposed here by the delay after which missing data can do harm, after the table of IEC 60601-1-8
/// as reproduced in public sources, and have not been reviewed by a clinician.
package enum AlertKind: String, Sendable, CaseIterable {
    case deviceStale = "NABD_DEVICE_STALE"
    case wrongDevice = "NABD_WRONG_DEVICE"
    case conflictingReplies = "NABD_CONFLICTING_REPLIES"
    case busContention = "NABD_BUS_CONTENTION"
    case lineEchoLost = "NABD_LINE_ECHO_LOST"
    case registersRefused = "NABD_REGISTERS_REFUSED"
    case deviceFlooding = "NABD_DEVICE_FLOODING"
    case controlLost = "NABD_CONTROL_LOST"
    case commandUncertain = "NABD_COMMAND_UNCERTAIN"
    case stopNotProven = "NABD_STOP_NOT_PROVEN"
    case pumpToBeLookedAt = "NABD_PUMP_TO_BE_LOOKED_AT"
    case givesUnderAlarm = "NABD_PUMP_GIVES_UNDER_ALARM"
    case infusesBeyondControl = "NABD_PUMP_BEYOND_CONTROL"
    case stopsWithUnit = "NABD_PUMP_STOPS_WITH_UNIT"
    case volumeWentBack = "NABD_PUMP_VOLUME_WENT_BACK"
    case volumeStandsStill = "NABD_PUMP_VOLUME_STANDS_STILL"
    case endedShort = "NABD_PUMP_ENDED_SHORT"
    case deviceRefused = "NABD_DEVICE_REFUSED"
    case settingRefused = "NABD_SETTING_REFUSED"
    case safeMode = "NABD_SAFE_MODE"
    case bedNotWatched = "NABD_BED_NOT_WATCHED"
    case patientsNotKept = "NABD_PATIENTS_NOT_KEPT"
    case patientsLost = "NABD_PATIENTS_LOST"
    case uplinkFailing = "NABD_UPLINK_FAILING"
    case uplinkContradicted = "NABD_UPLINK_CONTRADICTED"
    case identityShared = "NABD_UNIT_IDENTITY_SHARED"
    case certificateExpiring = "NABD_CERTIFICATE_EXPIRING"
    case uplinkAllowanceNear = "NABD_UPLINK_ALLOWANCE_NEAR"
    case uplinkAllowanceSpent = "NABD_UPLINK_ALLOWANCE_SPENT"
    case identityFaulty = "NABD_IDENTITY_FAULTY"
    case journalFailing = "NABD_JOURNAL_FAILING"
    case journalIncomplete = "NABD_JOURNAL_INCOMPLETE"
    case journalChanged = "NABD_JOURNAL_CHANGED"
    case journalShedding = "NABD_JOURNAL_SHEDDING"
    case journalOverLimit = "NABD_JOURNAL_OVER_LIMIT"

    /// All that is known of it.
    package var descriptor: AlertDescriptor {
        switch self {
        case .deviceStale: row(.medium, "No current values from this device", "لا توجد قيم حالية من هذا الجهاز")
        case .wrongDevice:
            row(
                .high, "Another device is connected than the one expected; its values are withheld",
                "الجهاز الموصول ليس الجهاز المتوقع؛ قيمه محجوبة")
        case .conflictingReplies:
            row(
                .high, "Contradictory answers: two devices may have one address; values are withheld",
                "إجابات متضاربة: قد يحمل جهازان العنوان نفسه؛ القيم محجوبة")
        case .busContention:
            row(.medium, "Somebody else is talking on this device's line", "طرف آخر يرسل على خط هذا الجهاز")
        case .lineEchoLost:
            row(.low, "This device's line adapter works at times only", "محوّل خط هذا الجهاز يعمل بشكل متقطع")
        case .registersRefused:
            row(.low, "This device refuses some of the values asked for", "هذا الجهاز يرفض بعض القيم المطلوبة")
        case .deviceFlooding:
            row(
                .low, "This device sends far more than it should; not all of it is stored",
                "هذا الجهاز يرسل أكثر بكثير مما ينبغي؛ لا يُحفظ كل ما يرسله")
        case .controlLost:
            row(
                .medium, "This device no longer takes commands from the unit: control it by its own keys",
                "هذا الجهاز لم يعد يقبل أوامر الوحدة: تحكّم به بأزراره")
        case .commandUncertain:
            row(
                .high, "It is not known what this pump did with a command: look at it now",
                "لا يُعرف ما فعلته هذه المضخة بأمر أُرسل إليها: انظر إليها الآن")
        case .stopNotProven:
            row(
                .high, "Nobody can say that this pump stands: stop it by its own keys now",
                "لا يمكن التأكد من توقف هذه المضخة: أوقفها بأزرارها الآن")
        case .pumpToBeLookedAt:
            row(
                .medium, "The record of this pump has a gap: look at it before it is commanded",
                "سجل هذه المضخة غير كامل: انظر إليها قبل إعطائها أي أمر")
        case .givesUnderAlarm:
            row(
                .high, "This pump alarms, and goes on giving: look at it now",
                "هذه المضخة تُنذر وتستمر في التسريب: افحصها الآن")
        case .infusesBeyondControl:
            row(
                .high, "This pump infuses and takes no commands from the unit: only its own keys stop it",
                "هذه المضخة تسرّب ولا تقبل أوامر الوحدة: لا تتوقف إلا بأزرارها")
        case .stopsWithUnit:
            row(
                .high, "This unit is stopping, and this pump stops infusing soon after it: go to the pump",
                "هذه الوحدة تتوقف الآن، وستتوقف هذه المضخة عن التسريب بعدها بقليل: اذهب إلى المضخة")
        case .volumeWentBack:
            row(
                .medium, "This pump's count of what it gave went back: find out what was given",
                "عدّاد ما أعطته هذه المضخة رجع إلى الوراء: تحقّق من الكمية المعطاة")
        case .volumeStandsStill:
            row(
                .medium, "This pump says that it infuses, and its count of what it gave stands still",
                "المضخة تقول إنها تسرّب، وعدّاد ما أعطته لا يتحرك")
        case .endedShort:
            row(
                .medium, "This pump ended, and gave less than its limit: find out what is left",
                "انتهت هذه المضخة وأعطت أقل من الحد المضبوط: تحقّق من الكمية المتبقية")
        case .deviceRefused:
            row(
                .medium, "This device is not read: what the unit knows of it is faulty",
                "لا تتم قراءة هذا الجهاز: إعداداته في هذه الوحدة خاطئة")
        case .settingRefused:
            row(.low, "A setting of this unit is faulty and is not used", "أحد إعدادات هذه الوحدة خاطئ ولا يُستخدم")
        case .safeMode:
            row(
                .high, "This unit ended again and again: it reads its devices now, and commands no pump",
                "توقفت هذه الوحدة مرارًا: هي تقرأ أجهزتها الآن ولا تتحكم بأي مضخة")
        case .bedNotWatched:
            row(
                .high, "No limit is watched at a bed: its preset cannot be read",
                "لا تُراقَب الحدود عند أحد الأسرّة: تعذّرت قراءة إعدادات إنذاراته")
        case .patientsNotKept:
            row(
                .low, "No patient can be bound to a bed: this unit cannot keep who its patients are",
                "لا يمكن ربط أي مريض بسرير: هذه الوحدة لا تستطيع حفظ هوية مرضاها")
        case .patientsLost:
            row(
                .medium, "The record was damaged and does not know who is at the beds: bind each patient anew",
                "السجل تضرر ولا يُعرف من في الأسرّة: أعد ربط كل مريض بسريره")
        case .uplinkFailing:
            row(
                .medium, "Nothing is being sent to the records service; this unit keeps everything",
                "لا يُرسل شيء إلى خدمة السجلات؛ تحتفظ هذه الوحدة بكل شيء")
        case .uplinkContradicted:
            row(
                .medium, "The records service does not have what it said it had stored; it is sent again",
                "خدمة السجلات لا تملك ما قالت إنها حفظته؛ يُعاد إرساله")
        case .identityShared:
            row(
                .medium, "Another machine sends records under this unit's name: one has a copy of the other's record",
                "جهاز آخر يرسل سجلات باسم هذه الوحدة: أحدهما لديه نسخة من سجل الآخر")
        case .certificateExpiring:
            row(
                .low, "The unit's certificate expires within 30 days: have it renewed, or nothing will be sent",
                "تنتهي صلاحية شهادة هذه الوحدة خلال 30 يومًا: يجب تجديدها وإلا فلن يُرسل شيء")
        case .uplinkAllowanceNear:
            row(
                .low, "Most of what may be sent this month has been sent: waveforms stay on this unit",
                "أُرسل معظم المسموح بإرساله هذا الشهر: تبقى الإشارات في هذه الوحدة")
        case .uplinkAllowanceSpent:
            row(
                .low, "All that may be sent this month has been sent: only alarms and pump events still go",
                "أُرسل كل المسموح بإرساله هذا الشهر: لا تُرسل الآن إلا الإنذارات وأحداث المضخات")
        case .identityFaulty:
            row(
                .low, "A new certificate or key of this unit cannot be used; it goes on with the former while it can",
                "تعذّر استخدام شهادة أو مفتاح جديد لهذه الوحدة؛ وهي تتابع بالسابق ما دام صالحًا")
        case .journalFailing:
            row(
                .high, "Values are not being stored: the disk of this unit takes nothing",
                "لا يتم حفظ القيم: قرص هذه الوحدة لا يقبل الكتابة")
        case .journalIncomplete:
            row(
                .high, "Stored values are missing: the record was deleted, damaged or replaced by an older one",
                "قيم محفوظة مفقودة: حُذف السجل أو تلف أو استُبدل بنسخة أقدم")
        case .journalChanged:
            row(
                .high, "Recorded events are not as they were written: somebody or a fault of the disk changed them",
                "أحداث مسجلة ليست كما كُتبت: غيّرها شخص ما أو خلل في القرص")
        case .journalShedding:
            row(
                .medium, "The store is full: the oldest waveforms that were not sent are being given up",
                "امتلأ المخزن: يجري التخلي عن أقدم الإشارات التي لم تُرسل")
        case .journalOverLimit:
            row(.medium, "The store is full and nothing may be given up", "امتلأ المخزن ولا يُسمح بالتخلي عن أي شيء")
        }
    }

    /// Whether it is judged by what a pump shows: only a pump that answers shows that it is over.
    package var isOfPump: Bool {
        switch self {
        case .givesUnderAlarm, .infusesBeyondControl, .stopsWithUnit, .volumeWentBack, .volumeStandsStill, .endedShort:
            true
        default: false
        }
    }

    /// Whether it stands, once it has begun, until somebody has seen it: what is urgent, and what is over in a moment.
    package var latches: Bool {
        descriptor.priority == .high || self == .volumeWentBack || self == .endedShort
    }

    /// All of them are technical, and no term of IEEE 11073-10101 with a verified number means just one of them.
    private func row(_ priority: AlertPriority, _ text: String, _ arabicText: String) -> AlertDescriptor {
        AlertDescriptor(
            name: rawValue, nature: .technical, priority: priority, text: text, arabicText: arabicText, code: nil)
    }
}

/// The alerts about a device's link, numbered without holes from 0 as the records of a line's ring count them.
package enum LinkAlert: Int, Sendable, CaseIterable {
    case stale
    case wrongDevice
    case conflictingReplies
    case busContention
    case echoLost
    case registersRefused
    case flooding

    /// Its row in the table.
    package var kind: AlertKind {
        switch self {
        case .stale: .deviceStale
        case .wrongDevice: .wrongDevice
        case .conflictingReplies: .conflictingReplies
        case .busContention: .busContention
        case .echoLost: .lineEchoLost
        case .registersRefused: .registersRefused
        case .flooding: .deviceFlooding
        }
    }
}
