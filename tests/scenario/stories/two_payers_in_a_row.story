story: Two payers of two provinces one after the other; one of them votes NO because his money went meanwhile: planned again
given provinces care, home, east, north
given li of home with 30.00
given chen of east with 0.00
given wang of east with 200.00
given zhou of north with 300.00
given wang pays for li
given zhou pays for li
given zhou pays for chen

plan p1 500.00 of li at care
expect p1 done
settle s2 250.00 of chen at east
expect s2 paid by zhou 250.00
settle s1 500.00 of li at care by plan p1
expect s1 refused PLAN_CHANGED
expect everything decided
settle s3 500.00 of li at care
expect s3 paid by li 30.00, wang 200.00, zhou 50.00
expect zhou has 0.00
