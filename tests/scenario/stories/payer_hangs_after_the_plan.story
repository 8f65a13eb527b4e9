story: A payer's node hangs between plan and PREPARE: nobody waits for it for ever, its late PREPARE holds nothing
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze east
settle s1 100.00 of li at care by plan p1
expect s1 refused PLAN_CHANGED
thaw east
expect everything decided
expect wang can spend 500.00
settle s2 100.00 of li at care
expect s2 paid by li 30.00, wang 70.00
expect wang has 430.00
