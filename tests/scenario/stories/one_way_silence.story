story: A payer's node hears and is not heard: its hold ends when its question gets through
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
cut words of east to care
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
expect s1 refused PLAN_CHANGED
heal east and care
expect everything decided
expect wang can spend 500.00
