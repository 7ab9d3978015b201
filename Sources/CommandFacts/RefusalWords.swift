extension RefusalReason {
    /// One sentence for whoever asked.
    package var text: String {
        switch self {
        case .unknownCommand: "There is no such command, or it has ended."
        case .notDraft: "This command does not wait for a second person."
        case .notVerified: "This command is not ready: everybody who must enter it has to do so first."
        case .samePerson: "The second person must be another one than the first."
        case .uncertainPending:
            "It is not known what an earlier command did: look at the pump, and say what it shows."
        case .underWay: "Another command is under way on this pump or its line."
        case .mustBeLookedAt: "The record of this pump has a gap: somebody must look at the pump and say so first."
        case .tooSoon: "It is too soon: wait a moment."
        case .tooMany: "This device was commanded as often as is allowed in an hour: use its own keys."
        case .locked: "This pump is locked after several failures: look at it, and unlock it."
        case .stopPending: "A stop of this pump is not proven: look at the pump first."
        case .notAllowed: "This is not allowed."
        case .onePersonMore: "One person more has to say what the pump shows."
        case .notOpen: "It is known already what became of this command."
        }
    }

    /// The same in Arabic.
    package var arabicText: String {
        switch self {
        case .unknownCommand: "لا يوجد أمر بهذا الرقم، أو أنه انتهى."
        case .notDraft: "هذا الأمر لا ينتظر شخصًا ثانيًا."
        case .notVerified: "هذا الأمر غير جاهز: على كل من يجب أن يُدخله أن يفعل ذلك أولًا."
        case .samePerson: "يجب أن يكون الشخص الثاني غير الأول."
        case .uncertainPending: "لا يُعرف ما فعله أمر سابق: انظر إلى المضخة وسجّل ما تعرضه."
        case .underWay: "هناك أمر آخر قيد التنفيذ على هذه المضخة أو على خطها."
        case .mustBeLookedAt: "سجل هذه المضخة غير كامل: يجب أن ينظر إليها شخص ويسجّل ذلك أولًا."
        case .tooSoon: "الوقت مبكر: انتظر لحظة."
        case .tooMany: "بلغت أوامر هذا الجهاز الحد المسموح في الساعة: استخدم أزراره."
        case .locked: "هذه المضخة مقفلة بعد عدة إخفاقات: افحصها ثم افتح القفل."
        case .stopPending: "لم يثبت توقف هذه المضخة: انظر إليها أولًا."
        case .notAllowed: "هذا غير مسموح."
        case .onePersonMore: "يلزم شخص آخر ليؤكد ما تعرضه المضخة."
        case .notOpen: "من المعروف ما آل إليه هذا الأمر."
        }
    }
}
